"""Keys of other regions and other accounts."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.kms.models import kms_backends

from phone_vault.local import FunctionError, LocalCloud
from tests.embedded.conftest import Clients
from tests.embedded.probes import Statement, allow, client_as, deploy

ELSEWHERE = "eu-central-1"
ANOTHER_ACCOUNT = "210987654321"
OURS = {"AWS": "arn:aws:iam::123456789012:root"}
CONTEXT = {"tenant": "default", "use": "branch"}


@pytest.fixture
def key(cloud: LocalCloud) -> str:
    """In another region."""
    return str(cloud.client("kms", region_name=ELSEWHERE).create_key()["KeyMetadata"]["Arn"])


def _key_of_another_account(*statements: Statement) -> str:
    """Made by its owner, who has no client here."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    backend = kms_backends[ANOTHER_ACCOUNT]["eu-west-1"]
    return str(backend.create_key(policy, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", []).arn)


def _error_of(kms: Any, key: str, context: dict[str, str] = CONTEXT) -> str:
    """Of encrypting and decrypting again; empty when there is none."""
    try:
        blob = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)["CiphertextBlob"]
        answer = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    assert answer["KeyId"] == key
    return ""


def test_a_key_of_another_region_serves_clients_of_that_region(cloud: LocalCloud, key: str) -> None:
    assert _error_of(cloud.client("kms", region_name=ELSEWHERE), key) == ""


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("encrypt", {"Plaintext": b"x"}),
        ("describe_key", {}),
        ("generate_data_key", {"KeySpec": "AES_256"}),
        ("disable_key", {}),
    ],
)
def test_a_key_of_another_region_is_refused_by_this_one(
    aws: Clients, operation: str, arguments: dict[str, Any]
) -> None:
    kms = aws("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"].replace("eu-west-1", ELSEWHERE)
    with pytest.raises(ClientError, match="Invalid arn eu-central-1"):
        getattr(kms, operation)(KeyId=key, **arguments)


def test_a_role_is_judged_in_the_keys_region(cloud: LocalCloud, key: str) -> None:
    use = {"kms:EncryptionContext:use": "branch"}
    deploy(cloud, allow(["kms:Decrypt", "kms:GenerateDataKey"], key, StringEquals=use))
    kms = client_as(cloud, "Probe", "kms", region_name=ELSEWHERE)
    assert (_error_of(kms, key), _error_of(kms, key, {"use": "audit"})) == ("", "AccessDeniedException")


def test_a_function_reaches_another_region_with_the_session_of_its_cold_start(cloud: LocalCloud, key: str) -> None:
    deploy(cloud, allow("kms:DescribeKey", key), name="Allowed")
    deploy(cloud, name="Denied")
    asked = {"call_in": [ELSEWHERE, "kms", "describe_key", {"KeyId": key}]}
    assert cloud.invoke("Allowed", asked) == ["KeyMetadata"]
    with pytest.raises(FunctionError, match="AccessDeniedException"):
        cloud.invoke("Denied", asked)


def test_a_role_without_the_right_is_refused_in_the_keys_region(cloud: LocalCloud, key: str) -> None:
    deploy(cloud, allow("kms:*", key.replace(ELSEWHERE, "eu-west-1")))
    assert _error_of(client_as(cloud, "Probe", "kms", region_name=ELSEWHERE), key) == "AccessDeniedException"


def test_a_role_is_told_of_an_arn_of_another_region(cloud: LocalCloud, key: str) -> None:
    deploy(cloud, allow("kms:*", "*"))
    assert _error_of(client_as(cloud, "Probe", "kms"), key) == "NotFoundException"


def test_a_policy_in_the_keys_region_that_denies_outweighs_the_roles(cloud: LocalCloud, key: str) -> None:
    everybody = {**allow("kms:*", "*"), "Principal": OURS}
    nobody = {**allow("kms:Decrypt", "*"), "Effect": "Deny", "Principal": {"AWS": "*"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everybody, nobody]})
    cloud.client("kms", region_name=ELSEWHERE).put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    deploy(cloud, allow("kms:*", "*"))
    assert _error_of(client_as(cloud, "Probe", "kms", region_name=ELSEWHERE), key) == "AccessDeniedException"


def test_a_key_of_another_account_serves_roles_that_both_accounts_allow(cloud: LocalCloud) -> None:
    key = _key_of_another_account({**allow("kms:*", "*"), "Principal": OURS})
    deploy(cloud, allow(["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"], key))
    kms = client_as(cloud, "Probe", "kms")
    assert _error_of(kms, key) == ""
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["AWSAccountId"] == ANOTHER_ACCOUNT


def test_a_key_of_another_account_needs_its_owners_consent(cloud: LocalCloud) -> None:
    key = _key_of_another_account()
    deploy(cloud, allow("kms:*", "*"))
    assert _error_of(client_as(cloud, "Probe", "kms"), key) == "AccessDeniedException"


def test_the_owners_consent_alone_is_not_enough(cloud: LocalCloud) -> None:
    role = {"AWS": "arn:aws:iam::123456789012:role/ProbeRole"}
    key = _key_of_another_account({**allow("kms:*", "*"), "Principal": role})
    deploy(cloud)
    assert _error_of(client_as(cloud, "Probe", "kms"), key) == "AccessDeniedException"


def test_a_key_of_another_account_is_not_known_by_its_id(cloud: LocalCloud) -> None:
    key = _key_of_another_account({**allow("kms:*", "*"), "Principal": OURS})
    assert _error_of(cloud.client("kms"), key.rpartition("/")[2]) == "NotFoundException"


def test_a_ciphertext_moves_to_a_key_of_another_account(cloud: LocalCloud) -> None:
    destination = _key_of_another_account({**allow("kms:*", "*"), "Principal": OURS})
    kms = cloud.client("kms")
    source = kms.create_key()["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=source, Plaintext=b"x", EncryptionContext=CONTEXT)["CiphertextBlob"]
    moved = kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=destination,
        DestinationEncryptionContext=CONTEXT,
    )
    assert (moved["SourceKeyId"], moved["KeyId"]) == (source, destination)
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"] == b"x"
