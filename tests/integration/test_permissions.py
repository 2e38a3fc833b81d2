"""The page of permissions against what functions do under their roles, and what their roles can be made to do."""

from collections.abc import Iterator

import pytest

from tests.integration.support.attempts import attempts
from tests.integration.support.flows import FLOWS, POLICY
from tests.integration.support.job_flows import FOREIGN_KEY, make_foreign_key
from tests.integration.support.roles import arns, refused, role_client, uses
from tests.integration.support.rotation import deploy_with_few_shards
from tests.integration.support.tenants import OWN_KEY, make_key
from tests.integration.support.vault import KEYS, Vault, open_vault
from tests.permissions import exercised_offline, permissions

OWN_KEYS = (OWN_KEY,)
ANYWHERE = {permission for granted in permissions().values() for permission in granted if exercised_offline(permission)}
"""What stands anywhere on the page, as far as a test can ask for it."""

every_function = pytest.mark.parametrize("function", permissions())


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    """After all flows of all functions."""
    with open_vault(POLICY, swept=False) as opened:
        make_key(opened, OWN_KEY)
        make_foreign_key(opened)
        deploy_with_few_shards(opened)
        for flows in FLOWS.values():
            for flow in flows:
                flow(opened)
        yield opened


def test_every_function_has_flows() -> None:
    assert FLOWS.keys() == permissions().keys()


@every_function
def test_every_permission_of_a_function_is_used_by_its_flows(vault: Vault, function: str) -> None:
    """Every choice that its conditions leave, and on every KMS key that the page calls the Kek."""
    made = uses(vault.wire.sent, function)
    unused = [
        f"{permission} on {arn}"
        for granted in permissions()[function]
        if exercised_offline(granted)
        for permission in granted.alternatives()
        for arn in arns(vault, permission.resource, OWN_KEYS)
        if not any(use.falls_under(permission, [arn]) for use in made)
    ]
    assert not unused


@every_function
def test_every_attribute_that_a_function_may_name_is_named(vault: Vault, function: str) -> None:
    """But for the table's key, which DynamoDB asks a policy to have in the list."""
    made = uses(vault.wire.sent, function)
    for permission in permissions()[function]:
        if allowed := permission.values("attributes"):
            named = {
                name
                for use in made
                if use.falls_under(permission, arns(vault, permission.resource))
                for name in use.values("attributes")
            }
            assert named | set(KEYS[permission.resource]) == allowed


@every_function
def test_a_function_asks_for_nothing_that_the_page_does_not_grant(vault: Vault, function: str) -> None:
    reached = (*OWN_KEYS, FOREIGN_KEY)
    own = [(each, arns(vault, each.resource, reached)) for each in permissions()[function] if exercised_offline(each)]
    strays = [
        use
        for use in uses(vault.wire.sent, function)
        if not any(use.falls_under(permission, of) for permission, of in own)
    ]
    assert not strays


@every_function
def test_a_role_is_refused_what_stands_in_other_rows_and_not_in_its_own(vault: Vault, function: str) -> None:
    """With the credentials of the role; what stands in its own row too is not refused."""
    clients = {service: role_client(vault, function, service) for service in ("dynamodb", "kms")}
    own = permissions()[function]
    wrong = [
        f"{permission} was {'refused' if is_refused else 'allowed'}"
        for permission in sorted({each for granted in ANYWHERE for each in granted.alternatives()}, key=str)
        for attempt in attempts(vault, permission, OWN_KEYS)
        for is_refused in [refused(clients[attempt.service], attempt.operation, attempt.parameters)]
        if is_refused is any(each.covers(permission) for each in own)
    ]
    assert not wrong


@pytest.mark.parametrize("table", ["Numbers", "LookupIndex", "Subjects"])
@pytest.mark.parametrize("function", ["Hold", "Erase", "PurgePage"])
def test_a_role_that_deletes_may_not_ask_what_it_has_deleted(vault: Vault, function: str, table: str) -> None:
    (granted,) = (each for each in permissions()[function] if (each.resource, each.action) == (table, "DeleteItem"))
    (attempt,) = attempts(vault, granted)
    client = role_client(vault, function, "dynamodb")
    assert not refused(client, attempt.operation, attempt.parameters)
    for wanted in ("ALL_OLD", "UPDATED_NEW"):
        assert refused(client, attempt.operation, {**attempt.parameters, "ReturnValues": wanted})


@every_function
def test_what_a_role_may_have_asked_for_by_dynamodb_it_may_not_ask_for_itself(vault: Vault, function: str) -> None:
    (storage,) = arns(vault, "Storage")
    context = {"aws:dynamodb:tableName": vault.table("Numbers"), "aws:dynamodb:subscriberId": "123456789012"}
    blob = vault.kms.encrypt(KeyId=storage, Plaintext=b"0" * 32, EncryptionContext=context)["CiphertextBlob"]
    decrypt = {"CiphertextBlob": blob, "EncryptionContext": context}
    assert refused(role_client(vault, function, "kms"), "decrypt", decrypt)
