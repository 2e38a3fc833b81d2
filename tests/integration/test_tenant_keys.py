"""Tenants with a KMS key of their own, which stops them and nobody else."""

import itertools
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.integration.support.messages import decrypt, encrypt
from tests.integration.support.roles import role_client
from tests.integration.support.tenants import (
    MISSING_KEY,
    OTHER_KEY,
    OWN_KEY,
    disabled,
    error_code,
    make_key,
    with_tenants,
)
from tests.integration.support.vault import Vault, open_vault, problem
from tests.integration.support.wire import to

_NAMES = itertools.count(1)
STORAGE = "StorageKeyId"


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    tenants = {f"own-{number}": {"kms_key": OWN_KEY} for number in range(1, 40)}
    tenants |= {
        "direct-own": {"kms_key": OWN_KEY, "wrapping": "direct"},
        "other": {"kms_key": OTHER_KEY},
        "missing": {"kms_key": MISSING_KEY},
    }
    with open_vault(with_tenants(tenants)) as opened:
        make_key(opened, OWN_KEY)
        make_key(opened, OTHER_KEY)
        yield opened


@pytest.fixture
def tenant() -> str:
    """One with the KMS key OWN_KEY, used by nobody yet."""
    return f"own-{next(_NAMES)}"


def test_its_own_key_wraps_all_keys_of_a_tenant_but_the_audit_key(vault: Vault, tenant: str) -> None:
    with vault.sending() as sent:
        vault.protect(tenant)
    wrapped = {
        each.body["EncryptionContext"]["use"]: each.body["KeyId"]
        for each in to("kms", sent)
        if each.operation == "Encrypt" and each.body["EncryptionContext"]["tenant"] == tenant
    }
    storage = wrapped.pop("audit")
    assert storage.endswith(vault.cloud.outputs[STORAGE])
    assert wrapped == {"branch": OWN_KEY, "index": OWN_KEY, "subject": OWN_KEY}


def test_the_key_ring_says_which_key_wraps_a_row(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    keys = {row["key_version"]["S"]: row["kms_key"]["S"] for row in vault.rows("KeyRing", tenant)}
    assert {keys["branch#1"], keys["index#1"], keys["subject#1"]} == {OWN_KEY}


def test_everything_works_with_it(vault: Vault, tenant: str) -> None:
    token, message = vault.protect(tenant)["token"], encrypt(vault, tenant)["message"]
    vault.cloud.restart()
    assert vault.reveal(tenant, token)["number"] == "+447400123456"
    assert len(vault.lookup(tenant)["matches"]) == 1
    assert vault.verify(tenant, token) == {"match": True}
    assert decrypt(vault, tenant, message)["number"] == "+447400123456"


def test_its_own_key_wraps_the_record_keys_of_a_direct_tenant(vault: Vault) -> None:
    vault.protect("direct-own", "warm-up")
    with vault.sending() as sent:
        token = vault.protect("direct-own")["token"]
    assert [each.body["KeyId"] for each in to("kms", sent)] == [OWN_KEY]
    assert vault.reveal("direct-own", token)["number"] == "+447400123456"


@pytest.mark.parametrize("key", [OWN_KEY, "the Kek"])
def test_a_disabled_key_stops_the_tenants_that_it_is_for_and_nobody_else(vault: Vault, tenant: str, key: str) -> None:
    """`other` has a third key, `plain-tenant` none of its own."""
    tokens = {name: vault.protect(name)["token"] for name in (tenant, "other", "plain-tenant")}
    vault.cloud.restart()
    with disabled(vault, vault.cloud.outputs["KekId"] if key == "the Kek" else key):
        stopped = {name for name, token in tokens.items() if problem(vault.reveal(name, token))}
    assert stopped == {tenant if key == OWN_KEY else "plain-tenant"}


def test_a_disabled_key_is_key_unavailable_in_every_function(vault: Vault, tenant: str) -> None:
    token, message = vault.protect(tenant)["token"], encrypt(vault, tenant)["message"]
    vault.cloud.restart()
    with disabled(vault, OWN_KEY):
        answers = [
            vault.protect(tenant),
            vault.reveal(tenant, token),
            vault.lookup(tenant),
            vault.verify(tenant, token),
            encrypt(vault, tenant),
            decrypt(vault, tenant, message),
        ]
    assert [problem(each) for each in answers] == ["key-unavailable"] * 6


def test_a_disabled_key_stops_a_warm_function_within_the_cache_age(vault: Vault, tenant: str) -> None:
    token = vault.protect(tenant)["token"]
    vault.reveal(tenant, token)
    with disabled(vault, OWN_KEY):
        vault.clock.advance(seconds=300)
        assert problem(vault.reveal(tenant, token)) == "key-unavailable"


def test_a_disabled_key_stops_a_direct_tenant_at_once(vault: Vault) -> None:
    token = vault.protect("direct-own")["token"]
    vault.reveal("direct-own", token)
    with disabled(vault, OWN_KEY):
        assert problem(vault.reveal("direct-own", token)) == "key-unavailable"


def test_what_a_disabled_key_stops_is_audited_under_the_tenants_own_audit_key(vault: Vault, tenant: str) -> None:
    message = encrypt(vault, tenant)["message"]
    vault.cloud.restart()
    with disabled(vault, OWN_KEY), vault.audited() as entries:
        decrypt(vault, tenant, message)
    assert [(each["problem"], each["keyed_by"]) for each in entries] == [("key-unavailable", f"{tenant}/1")]


def test_a_key_that_nobody_has_made_is_key_unavailable_and_leaves_nothing(vault: Vault) -> None:
    assert problem(vault.protect("missing")) == "key-unavailable"
    assert not any(vault.tables("missing").values())


def test_one_tenants_key_is_of_no_use_for_another_tenants_row(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    (row,) = [row for row in vault.rows("KeyRing", tenant) if row["key_version"]["S"] == "branch#1"]
    with pytest.raises(ClientError) as refused:
        role_client(vault, "Reveal", "kms").decrypt(
            CiphertextBlob=row["wrapped_key"]["B"],
            EncryptionContext={"tenant": "other", "use": "branch", "version": "1"},
        )
    assert error_code(refused.value) == "InvalidCiphertextException"


def test_looking_up_cannot_unwrap_a_branch_key_of_a_tenants_own_kms_key(vault: Vault, tenant: str) -> None:
    vault.protect(tenant)
    (row,) = [row for row in vault.rows("KeyRing", tenant) if row["key_version"]["S"] == "branch#1"]
    with pytest.raises(ClientError) as refused:
        role_client(vault, "Lookup", "kms").decrypt(
            CiphertextBlob=row["wrapped_key"]["B"],
            EncryptionContext={"tenant": tenant, "use": "branch", "version": "1"},
        )
    assert error_code(refused.value) == "AccessDeniedException"


def test_the_deployed_roles_name_the_keys_of_the_policy_and_no_other(vault: Vault) -> None:
    role = next(each["RoleName"] for each in vault.iam.list_roles()["Roles"] if "RevealRole" in each["RoleName"])
    document = vault.iam.get_role_policy(RoleName=role, PolicyName="Reveal")["PolicyDocument"]
    (unwrap,) = [each for each in document["Statement"] if each["Sid"] == "UnwrapKeys"]
    kek = f"arn:aws:kms:eu-west-1:123456789012:key/{vault.cloud.outputs['KekId']}"
    assert unwrap["Resource"] == [kek, OWN_KEY, OTHER_KEY, MISSING_KEY]
