"""The signing key, on the embedded AWS."""

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from phone_vault.adapters.signer import KmsSigner
from phone_vault.crypto.receipts import checked
from phone_vault.domain.errors import KeyUnavailable
from phone_vault.local import LocalCloud
from tests.unit.receipts import PURGED, file_of, receipt_of


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud() as opened:
        yield opened


@pytest.fixture
def arn(cloud: LocalCloud) -> str:
    described = cloud.client("kms").describe_key(KeyId=cloud.outputs["ReceiptKeyId"])
    return str(described["KeyMetadata"]["Arn"])


@pytest.fixture
def signer(cloud: LocalCloud, arn: str) -> KmsSigner:
    return KmsSigner(lambda _: cloud.client("kms"), arn)


def public_key(signer: KmsSigner) -> ec.EllipticCurvePublicKey:
    key = load_der_public_key(signer.public_key())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


@pytest.mark.parametrize("length", [0, 1, 4096, 4097, 100_000])
def test_messages_of_any_length_are_signed(signer: KmsSigner, length: int) -> None:
    message = b"x" * length
    public_key(signer).verify(signer.sign(message), message, ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        public_key(signer).verify(signer.sign(message), message + b"x", ec.ECDSA(SHA256()))


def test_a_receipt_that_kms_signed_is_checked_without_kms(signer: KmsSigner) -> None:
    receipt = receipt_of(PURGED, signer)
    assert checked(file_of(receipt), signer.public_key()) == receipt


def test_the_public_key_is_fetched_once(arn: str, cloud: LocalCloud) -> None:
    asked: list[str] = []

    def kms_in(region: str) -> Any:
        asked.append(region)
        return cloud.client("kms")

    signer = KmsSigner(kms_in, arn)
    assert signer.public_key() == signer.public_key()
    assert asked == ["eu-west-1"]


def test_a_key_that_is_disabled_signs_nothing(cloud: LocalCloud, arn: str, signer: KmsSigner) -> None:
    kms = cloud.client("kms")
    kms.disable_key(KeyId=arn)
    try:
        with pytest.raises(KeyUnavailable):
            signer.sign(b"message")
    finally:
        kms.enable_key(KeyId=arn)
    signer.sign(b"message")


def test_another_kind_of_key_signs_nothing(cloud: LocalCloud) -> None:
    kms = cloud.client("kms")
    kek = kms.describe_key(KeyId=cloud.outputs["KekId"])["KeyMetadata"]["Arn"]
    with pytest.raises(KeyUnavailable):
        KmsSigner(lambda _: kms, kek).sign(b"message")
