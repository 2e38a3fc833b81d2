"""KMS refuses and binds as AWS's does. Each claim is put to stock moto too, which must still fail it."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded.conftest import Clients

CONTEXT = {"tenant": "default", "use": "branch"}


@pytest.fixture
def kms(aws: Clients) -> Any:
    return aws("kms")


@pytest.fixture
def key(kms: Any) -> str:
    return str(kms.create_key()["KeyMetadata"]["Arn"])


def _encrypted(kms: Any, key: str, context: dict[str, str] | None = None) -> bytes:
    blob: bytes = kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext=context or CONTEXT)["CiphertextBlob"]
    return blob


def _disable(kms: Any, key: str) -> None:
    kms.disable_key(KeyId=key.rpartition("/")[2])


def _schedule_deletion(kms: Any, key: str) -> None:
    kms.schedule_key_deletion(KeyId=key.rpartition("/")[2], PendingWindowInDays=7)


def test_a_disabled_key_does_not_encrypt(kms: Any, key: str) -> None:
    _disable(kms, key)
    with pytest.raises(ClientError, match="DisabledException"):
        _encrypted(kms, key)


def test_a_disabled_key_does_not_decrypt(kms: Any, key: str) -> None:
    blob = _encrypted(kms, key)
    _disable(kms, key)
    with pytest.raises(ClientError, match="DisabledException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)


def test_a_disabled_key_makes_no_data_keys(kms: Any, key: str) -> None:
    _disable(kms, key)
    with pytest.raises(ClientError, match="DisabledException"):
        kms.generate_data_key(KeyId=key, KeySpec="AES_256")


def test_a_disabled_key_does_not_re_encrypt(kms: Any, key: str) -> None:
    blob = _encrypted(kms, key)
    _disable(kms, key)
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError, match="DisabledException"):
        kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=CONTEXT, DestinationKeyId=other)


def test_a_disabled_key_does_not_sign(kms: Any) -> None:
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    _disable(kms, key)
    with pytest.raises(ClientError, match="DisabledException"):
        kms.sign(KeyId=key, Message=b"message", SigningAlgorithm="ECDSA_SHA_256")


def test_a_key_that_is_pending_deletion_does_not_encrypt(kms: Any, key: str) -> None:
    _schedule_deletion(kms, key)
    with pytest.raises(ClientError, match="KMSInvalidStateException"):
        _encrypted(kms, key)


def test_a_key_that_is_pending_deletion_does_not_decrypt(kms: Any, key: str) -> None:
    blob = _encrypted(kms, key)
    _schedule_deletion(kms, key)
    with pytest.raises(ClientError, match="KMSInvalidStateException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)


def test_a_key_that_is_pending_deletion_is_not_enabled(kms: Any, key: str) -> None:
    _schedule_deletion(kms, key)
    with pytest.raises(ClientError, match="KMSInvalidStateException"):
        kms.enable_key(KeyId=key.rpartition("/")[2])


def test_a_signing_key_does_not_encrypt(kms: Any) -> None:
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    with pytest.raises(ClientError, match="InvalidKeyUsageException"):
        _encrypted(kms, key)


def test_an_encryption_context_cannot_be_cut_elsewhere(kms: Any, key: str) -> None:
    blob = _encrypted(kms, key, {"a": "bc"})
    with pytest.raises(ClientError, match="InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"ab": "c"})


def test_an_encryption_context_cannot_be_joined(kms: Any, key: str) -> None:
    blob = _encrypted(kms, key, {"a": "b", "c": "d"})
    with pytest.raises(ClientError, match="InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "bcd"})


def test_another_key_than_the_ciphertexts_is_refused(kms: Any, key: str) -> None:
    blob = _encrypted(kms, key)
    other = kms.create_key()["KeyMetadata"]["Arn"]
    with pytest.raises(ClientError, match="IncorrectKeyException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT, KeyId=other)


def test_another_source_key_than_the_ciphertexts_is_refused(kms: Any, key: str) -> None:
    blob = _encrypted(kms, key)
    other = kms.create_key()["KeyMetadata"]["Arn"]
    with pytest.raises(ClientError, match="IncorrectKeyException"):
        kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=CONTEXT, SourceKeyId=other, DestinationKeyId=other)


@pytest.mark.parametrize("operation", ["disable_key", "enable_key", "schedule_key_deletion"])
def test_a_key_is_controlled_by_its_arn(kms: Any, key: str, operation: str) -> None:
    getattr(kms, operation)(KeyId=key)


def test_a_deletion_is_cancelled_by_the_keys_arn(kms: Any, key: str) -> None:
    _schedule_deletion(kms, key)
    kms.cancel_key_deletion(KeyId=key)


def test_a_rotation_period_is_kept(kms: Any, key: str) -> None:
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 180


def test_a_signing_key_of_cloudformation_signs(aws: Clients, kms: Any) -> None:
    key = _key_of_cloudformation(aws, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    assert kms.sign(KeyId=key, Message=b"message", SigningAlgorithm="ECDSA_SHA_256")["Signature"]


def test_the_policy_of_a_key_of_cloudformation_reads_back_as_json(aws: Clients, kms: Any) -> None:
    key = _key_of_cloudformation(aws)
    assert json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]) == POLICY


def test_the_rotation_period_of_a_key_of_cloudformation_reads_back(aws: Clients, kms: Any) -> None:
    key = _key_of_cloudformation(aws, EnableKeyRotation=True, RotationPeriodInDays=90)
    assert kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 90


POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}],
}


def _key_of_cloudformation(aws: Clients, **properties: Any) -> str:
    template = {
        "Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": POLICY, **properties}}},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}},
    }
    cloudformation = aws("cloudformation")
    cloudformation.create_stack(StackName="keys", TemplateBody=json.dumps(template))
    (stack,) = cloudformation.describe_stacks(StackName="keys")["Stacks"]
    return str(stack["Outputs"][0]["OutputValue"])
