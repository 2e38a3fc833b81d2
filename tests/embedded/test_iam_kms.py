"""A role's KMS rights, by the wire: its own policy, the key's policy, the encryption context."""

import json
from typing import Any

import pytest

from phone_vault.local import LocalCloud
from tests.embedded.probes import Probe, Statement, allow, client_as, deny, deploy

AUDIT = {"tenant": "default", "use": "audit", "version": "1"}
BRANCH = {"tenant": "default", "use": "branch", "version": "1"}
ACCOUNT = {"AWS": "arn:aws:iam::123456789012:root"}


@pytest.fixture
def key(cloud: LocalCloud) -> str:
    """Of the default policy, which leaves everything to the account's IAM policies."""
    return str(cloud.client("kms").create_key()["KeyMetadata"]["Arn"])


def _probe(cloud: LocalCloud, *statements: Statement) -> Probe:
    return deploy(cloud, *statements)


def _encrypts(probe: Probe, key: str, context: dict[str, str] = AUDIT) -> bool:
    return not probe.is_denied("kms", "encrypt", KeyId=key, Plaintext="x", EncryptionContext=context)


def _use(use: str | list[str]) -> dict[str, Any]:
    return {"kms:EncryptionContext:use": use}


def test_a_role_is_allowed_what_its_policy_says(cloud: LocalCloud, key: str) -> None:
    assert _encrypts(_probe(cloud, allow("kms:Encrypt", key)), key)


def test_a_role_is_refused_what_its_policy_does_not_say(cloud: LocalCloud, key: str) -> None:
    assert not _encrypts(_probe(cloud, allow("kms:Decrypt", key)), key)


def test_a_role_is_refused_another_key(cloud: LocalCloud, key: str) -> None:
    other = str(cloud.client("kms").create_key()["KeyMetadata"]["Arn"])
    assert not _encrypts(_probe(cloud, allow("kms:Encrypt", key)), other)


def test_a_role_is_refused_what_its_policy_denies(cloud: LocalCloud, key: str) -> None:
    assert not _encrypts(_probe(cloud, allow("kms:*", "*"), deny("kms:Encrypt", key)), key)


def test_a_refusal_is_worded_as_awss(cloud: LocalCloud, key: str) -> None:
    message = _probe(cloud).error_of("kms", "encrypt", KeyId=key, Plaintext="x")
    assert message == (
        "An error occurred (AccessDeniedException) when calling the Encrypt operation: "
        "User: arn:aws:sts::123456789012:assumed-role/ProbeRole/phone-vault-Probe is not authorized to perform: "
        f"kms:Encrypt on resource: {key} because no identity-based policy allows the kms:Encrypt action"
    )


def test_the_encryption_context_is_looked_at(cloud: LocalCloud, key: str) -> None:
    probe = _probe(cloud, allow("kms:Encrypt", key, StringEquals=_use(["audit", "index"])))
    assert (_encrypts(probe, key, AUDIT), _encrypts(probe, key, BRANCH)) == (True, False)


def test_a_missing_encryption_context_is_not_the_wanted_one(cloud: LocalCloud, key: str) -> None:
    probe = _probe(cloud, allow("kms:Encrypt", key, StringEquals=_use("audit")))
    assert not _encrypts(probe, key, {})


def test_the_names_in_an_encryption_context_are_looked_at(cloud: LocalCloud, key: str) -> None:
    names = {"kms:EncryptionContextKeys": ["tenant", "use", "version"]}
    probe = _probe(cloud, allow("kms:Encrypt", key, ForAllValues__StringEquals=names))
    assert (_encrypts(probe, key, AUDIT), _encrypts(probe, key, {**AUDIT, "more": "x"})) == (True, False)


def test_a_context_is_needed_for_decrypting_too(cloud: LocalCloud, key: str) -> None:
    blob = cloud.client("kms").encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=BRANCH)["CiphertextBlob"]
    deploy(cloud, allow("kms:Decrypt", key, StringEquals=_use("audit")))
    assert _decrypt_as(cloud, "Probe", blob, BRANCH) == "AccessDeniedException"


@pytest.mark.parametrize("form", ["id", "arn", "alias", "alias_arn"])
def test_a_key_is_known_under_all_its_names(cloud: LocalCloud, key: str, form: str) -> None:
    cloud.client("kms").create_alias(AliasName="alias/things", TargetKeyId=key)
    name = {
        "id": key.rpartition("/")[2],
        "arn": key,
        "alias": "alias/things",
        "alias_arn": "arn:aws:kms:eu-west-1:123456789012:alias/things",
    }[form]
    assert not _encrypts(_probe(cloud, deny("kms:Encrypt", key), allow("kms:Encrypt", "*")), name)


def test_a_key_is_found_in_the_ciphertext_when_none_is_named(cloud: LocalCloud, key: str) -> None:
    blob = cloud.client("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    deploy(cloud, allow("kms:Decrypt", "*"), deny("kms:Decrypt", key))
    assert _decrypt_as(cloud, "Probe", blob, {}) == "AccessDeniedException"


def test_a_ciphertext_of_no_key_is_refused_as_such(cloud: LocalCloud) -> None:
    deploy(cloud, allow("kms:Decrypt", "*"))
    assert _decrypt_as(cloud, "Probe", b"nonsense", {}) == "InvalidCiphertextException"


def test_an_unknown_key_is_refused_as_such(cloud: LocalCloud) -> None:
    probe = _probe(cloud, allow("kms:*", "*"))
    assert "NotFoundException" in probe.error_of("kms", "encrypt", KeyId="alias/nothing", Plaintext="x")


def test_re_encrypting_needs_both_keys(cloud: LocalCloud, key: str) -> None:
    other = str(cloud.client("kms").create_key()["KeyMetadata"]["Arn"])
    blob = cloud.client("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    deploy(cloud, allow("kms:ReEncryptFrom", key))
    kms = client_as(cloud, "Probe", "kms")
    with pytest.raises(Exception, match="perform: kms:ReEncryptTo"):
        kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=other)


def test_a_key_policy_that_denies_outweighs_the_roles(cloud: LocalCloud, key: str) -> None:
    _set_key_policy(
        cloud,
        key,
        {**allow("kms:*", "*"), "Principal": ACCOUNT},
        {**deny("kms:Encrypt", "*"), "Principal": {"AWS": "*"}},
    )
    assert not _encrypts(_probe(cloud, allow("kms:*", "*")), key)


def test_a_key_policy_that_does_not_trust_the_account_leaves_nothing_to_roles(cloud: LocalCloud, key: str) -> None:
    _set_key_policy(cloud, key, {**allow("kms:Decrypt", "*"), "Principal": ACCOUNT})
    assert not _encrypts(_probe(cloud, allow("kms:*", "*")), key)


def test_a_key_policy_that_names_the_role_is_enough(cloud: LocalCloud, key: str) -> None:
    role = {"AWS": "arn:aws:iam::123456789012:role/ProbeRole"}
    _set_key_policy(cloud, key, {**allow("kms:Encrypt", "*"), "Principal": role})
    assert _encrypts(_probe(cloud), key)


def test_the_keks_policy_wants_a_whole_encryption_context(cloud: LocalCloud) -> None:
    kek = cloud.client("kms").describe_key(KeyId=cloud.outputs["KekId"])["KeyMetadata"]["Arn"]
    probe = _probe(cloud, allow("kms:Encrypt", kek))
    assert (_encrypts(probe, kek, BRANCH), _encrypts(probe, kek, {"use": "branch"})) == (True, False)


def test_an_unrestricted_client_is_not_judged(cloud: LocalCloud, key: str) -> None:
    _set_key_policy(cloud, key, {**deny("kms:*", "*"), "Principal": {"AWS": "*"}})
    assert cloud.client("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]


def test_a_made_up_session_is_refused(cloud: LocalCloud, key: str) -> None:
    made_up = {"aws_access_key_id": "ASIAMADEUP0000000000", "aws_secret_access_key": "x", "aws_session_token": "x"}
    kms = cloud.client("kms", **made_up)
    with pytest.raises(Exception, match="UnrecognizedClientException"):
        kms.encrypt(KeyId=key, Plaintext=b"x")


@pytest.mark.parametrize("function", ["Lookup", "Verify"])
def test_a_function_that_only_compares_cannot_unwrap_a_branch_key(cloud: LocalCloud, function: str) -> None:
    kek = cloud.outputs["KekId"]
    blob = cloud.client("kms").encrypt(KeyId=kek, Plaintext=b"x", EncryptionContext=BRANCH)["CiphertextBlob"]
    assert _decrypt_as(cloud, function, blob, BRANCH) == "AccessDeniedException"


def test_reveal_can_unwrap_a_branch_key(cloud: LocalCloud) -> None:
    kek = cloud.outputs["KekId"]
    blob = cloud.client("kms").encrypt(KeyId=kek, Plaintext=b"x", EncryptionContext=BRANCH)["CiphertextBlob"]
    assert _decrypt_as(cloud, "Reveal", blob, BRANCH) == ""


@pytest.mark.parametrize("function", ["Protect", "Reveal", "Lookup", "Verify"])
@pytest.mark.parametrize("operation", ["disable_key", "schedule_key_deletion", "enable_key"])
def test_no_function_controls_the_kek(cloud: LocalCloud, function: str, operation: str) -> None:
    with pytest.raises(Exception, match=r"explicit deny in a resource-based policy|no identity-based policy"):
        getattr(client_as(cloud, function, "kms"), operation)(KeyId=cloud.outputs["KekId"])


def _decrypt_as(cloud: LocalCloud, function: str, blob: bytes, context: dict[str, str]) -> str:
    """The error's code; empty when it decrypts."""
    kms = client_as(cloud, function, "kms")
    try:
        kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    except kms.exceptions.ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def _set_key_policy(cloud: LocalCloud, key: str, *statements: Statement) -> None:
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    cloud.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
