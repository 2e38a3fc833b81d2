"""Rotation on demand, and moving ciphertexts from key to key."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from phone_vault.local import LocalCloud
from tests.embedded.conftest import Clients
from tests.embedded.probes import allow, client_as, deploy

AUDIT = {"tenant": "default", "use": "audit"}
BRANCH = {"tenant": "default", "use": "branch"}


@pytest.fixture
def kms(aws: Clients) -> Any:
    return aws("kms")


@pytest.fixture
def embedded(cloud: LocalCloud) -> Any:
    """For what stock moto does as well."""
    return cloud.client("kms")


def _key(kms: Any, **settings: Any) -> str:
    return str(kms.create_key(**settings)["KeyMetadata"]["Arn"])


def _encrypted(kms: Any, key: str, context: dict[str, str] = BRANCH) -> bytes:
    blob: bytes = kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext=context)["CiphertextBlob"]
    return blob


def _rotations(kms: Any, key: str) -> list[dict[str, Any]]:
    rotations: list[dict[str, Any]] = kms.list_key_rotations(KeyId=key)["Rotations"]
    return rotations


@pytest.mark.parametrize("form", ["id", "arn"])
def test_a_rotation_on_demand_is_listed_with_the_embedded_time(cloud: LocalCloud, form: str) -> None:
    kms = cloud.client("kms")
    key = _key(kms)
    name = key if form == "arn" else key.rpartition("/")[2]
    kms.rotate_key_on_demand(KeyId=name)
    cloud.clock.advance(days=1)
    kms.rotate_key_on_demand(KeyId=name)
    assert [(each["RotationType"], each["RotationDate"].astimezone(UTC)) for each in _rotations(kms, name)] == [
        ("ON_DEMAND", datetime(2026, 1, 1, tzinfo=UTC)),
        ("ON_DEMAND", datetime(2026, 1, 2, tzinfo=UTC)),
    ]


def test_a_key_is_rotated_on_demand_25_times_in_its_life(kms: Any) -> None:
    key = _key(kms)
    for _ in range(25):
        kms.rotate_key_on_demand(KeyId=key)
    with pytest.raises(ClientError, match="LimitExceededException"):
        kms.rotate_key_on_demand(KeyId=key)


def test_a_disabled_key_is_not_rotated(kms: Any) -> None:
    key = _key(kms).rpartition("/")[2]
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError, match="DisabledException"):
        kms.rotate_key_on_demand(KeyId=key)


def test_a_key_that_is_pending_deletion_is_not_rotated(kms: Any) -> None:
    key = _key(kms).rpartition("/")[2]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(ClientError, match="KMSInvalidStateException"):
        kms.rotate_key_on_demand(KeyId=key)


def test_a_signing_key_is_not_rotated(kms: Any) -> None:
    key = _key(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    with pytest.raises(ClientError, match="UnsupportedOperationException"):
        kms.rotate_key_on_demand(KeyId=key)


def test_old_ciphertexts_stay_readable_after_a_rotation(embedded: Any) -> None:
    key = _key(embedded)
    blob = _encrypted(embedded, key)
    embedded.rotate_key_on_demand(KeyId=key)
    assert embedded.decrypt(CiphertextBlob=blob, EncryptionContext=BRANCH)["Plaintext"] == b"secret"


@pytest.mark.parametrize(
    ("action", "operation"),
    [("kms:RotateKeyOnDemand", "rotate_key_on_demand"), ("kms:ListKeyRotations", "list_key_rotations")],
)
def test_a_role_needs_the_right_of_its_own(cloud: LocalCloud, action: str, operation: str) -> None:
    key, other = _key(cloud.client("kms")), _key(cloud.client("kms"))
    probe = deploy(cloud, allow(action, key))
    denied = {
        (each, named): probe.is_denied("kms", each, KeyId=named)
        for each in ("rotate_key_on_demand", "list_key_rotations")
        for named in (key, other)
    }
    assert denied == {wanted: wanted != (operation, key) for wanted in denied}


def test_re_encrypting_answers_both_keys_by_their_arns(embedded: Any) -> None:
    source, destination = _key(embedded), _key(embedded)
    answer = embedded.re_encrypt(
        CiphertextBlob=_encrypted(embedded, source),
        SourceEncryptionContext=BRANCH,
        DestinationKeyId=destination.rpartition("/")[2],
        DestinationEncryptionContext=AUDIT,
    )
    assert (answer["SourceKeyId"], answer["KeyId"]) == (source, destination)
    plain = embedded.decrypt(CiphertextBlob=answer["CiphertextBlob"], EncryptionContext=AUDIT, KeyId=destination)
    assert plain["Plaintext"] == b"secret"


def test_a_ciphertext_is_moved_from_a_key_to_the_same_key(embedded: Any) -> None:
    key = _key(embedded)
    contexts = {"SourceEncryptionContext": BRANCH, "DestinationEncryptionContext": BRANCH}
    blob = _encrypted(embedded, key)
    moved = embedded.re_encrypt(CiphertextBlob=blob, SourceKeyId=key, DestinationKeyId=key, **contexts)
    assert moved["CiphertextBlob"] != blob
    assert embedded.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext=BRANCH)["Plaintext"] == b"secret"


def test_another_source_context_is_refused(embedded: Any) -> None:
    key = _key(embedded)
    with pytest.raises(ClientError, match="InvalidCiphertextException"):
        embedded.re_encrypt(
            CiphertextBlob=_encrypted(embedded, key), SourceEncryptionContext=AUDIT, DestinationKeyId=key
        )


def test_a_disabled_destination_is_refused(kms: Any) -> None:
    source, destination = _key(kms), _key(kms).rpartition("/")[2]
    blob = _encrypted(kms, source)
    kms.disable_key(KeyId=destination)
    with pytest.raises(ClientError, match="DisabledException"):
        kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext=BRANCH, DestinationKeyId=destination)


@pytest.mark.parametrize(
    ("source", "destination", "refused"),
    [
        (BRANCH, BRANCH, ""),
        (AUDIT, BRANCH, "kms:ReEncryptFrom"),
        (BRANCH, AUDIT, "kms:ReEncryptTo"),
        (BRANCH, {}, "kms:ReEncryptTo"),
    ],
)
def test_a_role_re_encrypts_under_the_contexts_that_it_may(
    cloud: LocalCloud, source: dict[str, str], destination: dict[str, str], refused: str
) -> None:
    key = _key(cloud.client("kms"))
    use = {"kms:EncryptionContext:use": "branch"}
    deploy(cloud, allow(["kms:ReEncryptFrom", "kms:ReEncryptTo"], key, StringEquals=use))
    kms = client_as(cloud, "Probe", "kms")
    blob = _encrypted(cloud.client("kms"), key, source)
    try:
        kms.re_encrypt(
            CiphertextBlob=blob,
            SourceEncryptionContext=source,
            DestinationKeyId=key,
            DestinationEncryptionContext=destination,
        )
        message = ""
    except ClientError as error:
        message = error.response["Error"]["Message"]
    assert refused in message
    assert bool(message) is bool(refused)
