"""A signing key made by CloudFormation signs, and anybody can verify it."""

import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from phone_vault.local import LocalCloud
from tests.embedded.conftest import Clients
from tests.embedded.probes import allow, client_as, deploy

MESSAGE = b"the report"
ECDSA_SHA_256 = "ECDSA_SHA_256"
ACCOUNT = {"AWS": "arn:aws:iam::123456789012:root"}


def _signing_key(aws: Clients) -> str:
    policy = {"Version": "2012-10-17", "Statement": [{**allow("kms:*", "*"), "Principal": ACCOUNT}]}
    properties = {"KeyPolicy": policy, "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}
    template = {
        "Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": properties}},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}},
    }
    cloudformation = aws("cloudformation")
    cloudformation.create_stack(StackName="keys", TemplateBody=json.dumps(template))
    (stack,) = cloudformation.describe_stacks(StackName="keys")["Stacks"]
    return str(stack["Outputs"][0]["OutputValue"])


def _verify(kms: Any, key: str, signature: bytes, message: bytes = MESSAGE) -> None:
    public_key = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public_key, EllipticCurvePublicKey)
    public_key.verify(signature, message, ECDSA(SHA256()))


def _sign(kms: Any, key: str, message: bytes, message_type: str) -> bytes:
    signature: bytes = kms.sign(KeyId=key, Message=message, MessageType=message_type, SigningAlgorithm=ECDSA_SHA_256)[
        "Signature"
    ]
    return signature


def test_a_message_is_signed(cloud: LocalCloud) -> None:
    key = _signing_key(cloud.client)
    kms = cloud.client("kms")
    signature = _sign(kms, key, MESSAGE, "RAW")
    _verify(kms, key, signature)
    with pytest.raises(InvalidSignature):
        _verify(kms, key, signature, b"another report")


def test_a_digest_is_signed_as_it_is(aws: Clients) -> None:
    key = _signing_key(aws)
    _verify(aws("kms"), key, _sign(aws("kms"), key, hashlib.sha256(MESSAGE).digest(), "DIGEST"))


def test_what_is_no_digest_is_not_signed_as_one(aws: Clients) -> None:
    key = _signing_key(aws)
    with pytest.raises(ClientError, match="Digest is invalid length"):
        _sign(aws("kms"), key, MESSAGE, "DIGEST")


def test_a_public_key_tells_the_arn_and_the_spec(aws: Clients) -> None:
    key = _signing_key(aws)
    answer = aws("kms").get_public_key(KeyId=key)
    assert (answer["KeyId"], answer["KeySpec"]) == (key, "ECC_NIST_P256")


def test_a_role_signs_and_reads_the_public_key_by_rights_of_their_own(cloud: LocalCloud) -> None:
    key = _signing_key(cloud.client)
    deploy(cloud, allow("kms:Sign", key), name="Signer")
    deploy(cloud, allow("kms:GetPublicKey", key), name="Reader")
    signer, reader = client_as(cloud, "Signer", "kms"), client_as(cloud, "Reader", "kms")
    _verify(reader, key, _sign(signer, key, MESSAGE, "RAW"))
    with pytest.raises(ClientError, match="perform: kms:GetPublicKey"):
        signer.get_public_key(KeyId=key)
    with pytest.raises(ClientError, match="perform: kms:Sign"):
        _sign(reader, key, MESSAGE, "RAW")
