"""KMS on the embedded AWS: rotations on demand, and what is moved between KMS keys, of other regions too."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from phone_vault.adapters import kms_keys
from phone_vault.adapters.kms import KmsKeyWrapper
from phone_vault.adapters.kms_keys import KmsKeys
from phone_vault.domain.errors import Conflict, KeyUnavailable, TamperedStore
from phone_vault.domain.keys import KeyId, KeyState, KeyUse, WrappedKey
from phone_vault.domain.policy_file import parse
from phone_vault.local import LocalCloud
from tests.unit.samples import POLICY

START = datetime(2026, 1, 1, tzinfo=UTC)
ELSEWHERE = "us-east-1"
PLAINTEXT = bytes(range(32))
BRANCH_1 = KeyId("acme", KeyUse.BRANCH, 1)


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(start="2026-01-01T00:00:00Z") as opened:
        yield opened


class Kms:
    """Clients by region, and which of them was asked for what."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._clients: dict[str, Any] = {}
        self.asked: list[tuple[str, str]] = []

    def __call__(self, region: str) -> Any:
        region = region or "eu-west-1"
        if region not in self._clients:
            client = self._cloud.client("kms", region_name=region)
            client.meta.events.register(
                "provide-client-params.kms.*",
                lambda model, region=region, **_more: self.asked.append((region, model.name)),
            )
            self._clients[region] = client
        return self._clients[region]

    def new_key(self, region: str = "eu-west-1", **settings: Any) -> str:
        """Its ARN."""
        arn = self(region).create_key(**settings)["KeyMetadata"]["Arn"]
        self.asked.clear()
        assert isinstance(arn, str)
        return arn


@pytest.fixture
def kms(cloud: LocalCloud) -> Kms:
    return Kms(cloud)


class TestRotations:
    """On demand."""

    def test_a_new_key_has_had_none(self, kms: Kms) -> None:
        assert KmsKeys(kms).rotations(kms.new_key()) == (0, 0, None)

    def test_each_is_counted_and_dated(self, cloud: LocalCloud, kms: Kms) -> None:
        keys, kms_key = KmsKeys(kms), kms.new_key()
        keys.rotate(kms_key)
        cloud.clock.advance(days=1)
        keys.rotate(kms_key)
        assert keys.rotations(kms_key) == (2, 2, cloud.clock.now())

    def test_what_was_encrypted_before_is_read(self, kms: Kms) -> None:
        kms_key = kms.new_key()
        wrapped = kms("").encrypt(KeyId=kms_key, Plaintext=PLAINTEXT)["CiphertextBlob"]
        KmsKeys(kms).rotate(kms_key)
        assert kms("").decrypt(CiphertextBlob=wrapped, KeyId=kms_key)["Plaintext"] == PLAINTEXT

    def test_the_26th_is_a_conflict(self, kms: Kms) -> None:
        keys, kms_key = KmsKeys(kms), kms.new_key()
        for _ in range(25):
            keys.rotate(kms_key)
        with pytest.raises(Conflict):
            keys.rotate(kms_key)
        assert keys.rotations(kms_key).on_demand == 25

    def test_a_key_of_another_region_is_asked_for_there(self, kms: Kms) -> None:
        KmsKeys(kms).rotate(kms.new_key(ELSEWHERE))
        assert {region for region, _ in kms.asked} == {ELSEWHERE}

    @pytest.mark.parametrize("act", [KmsKeys.rotate, KmsKeys.rotations])
    def test_a_key_that_does_not_exist_is_unavailable(self, kms: Kms, act: Callable[[KmsKeys, str], object]) -> None:
        kms_key = kms.new_key()
        with pytest.raises(KeyUnavailable):
            act(KmsKeys(kms), kms_key[:-4] + "0000")

    def test_a_disabled_key_is_unavailable(self, kms: Kms) -> None:
        kms_key = kms.new_key()
        kms("").disable_key(KeyId=kms_key)
        with pytest.raises(KeyUnavailable):
            KmsKeys(kms).rotate(kms_key)


class SlowKms:
    """KMS that lists a rotation after so many looks; dates and kinds as AWS has them."""

    def __init__(self, looks: int) -> None:
        self._looks = looks
        self._asked = False
        self.listed = [{"RotationType": "AUTOMATIC", "RotationDate": START - timedelta(days=300)}]

    def __call__(self, region: str) -> Any:
        assert region == "eu-west-1"
        return self

    def list_key_rotations(self, **_parameters: Any) -> dict[str, Any]:
        """Complete ones alone."""
        if self._asked:
            self._looks -= 1
            if self._looks == 0:
                self.listed.append({"RotationType": "ON_DEMAND", "RotationDate": START})
        return {"Rotations": list(self.listed)}

    def rotate_key_on_demand(self, **_parameters: Any) -> None:
        """Begun."""
        self._asked = True


class TestSlowRotations:
    """KMS makes new material in the background."""

    ARN = "arn:aws:kms:eu-west-1:123456789012:key/1"

    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kms_keys, "_LISTED_AFTER_SECONDS", (0.0,) * 5)

    @pytest.mark.parametrize("looks", [1, 3, 5])
    def test_a_rotation_is_waited_for(self, looks: int) -> None:
        keys = KmsKeys(SlowKms(looks))
        keys.rotate(self.ARN)
        assert keys.rotations(self.ARN) == (2, 1, START)

    def test_but_not_for_ever(self) -> None:
        keys = KmsKeys(SlowKms(100))
        keys.rotate(self.ARN)
        assert keys.rotations(self.ARN) == (1, 0, None)

    @pytest.mark.parametrize(
        ("code", "refusal"),
        [
            ("LimitExceededException", Conflict),
            ("ConflictException", Conflict),
            ("ThrottlingException", KeyUnavailable),
            ("AccessDeniedException", KeyUnavailable),
            ("KMSInvalidStateException", KeyUnavailable),
        ],
    )
    def test_refusals_are_told_apart(self, code: str, refusal: type[Exception]) -> None:
        kms = SlowKms(1)

        def refuse(**_parameters: Any) -> None:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "RotateKeyOnDemand")

        kms.rotate_key_on_demand = refuse  # type: ignore[method-assign]
        with pytest.raises(refusal):
            KmsKeys(kms).rotate(self.ARN)


class TestMoving:
    """From one KMS key to another."""

    @staticmethod
    def wrapper(kms: Kms, kms_key: str) -> KmsKeyWrapper:
        """Of a policy that names the KMS key for `acme`."""
        policy = parse({**POLICY, "tenants": {"acme": {"kms_key": kms_key}}})
        return KmsKeyWrapper(kms, policy, kek_arn=kms.new_key(), storage_key_arn=kms.new_key())

    def row(self, kms: Kms, kms_key: str) -> WrappedKey:
        """Wrapped under this one."""
        wrapped, named = self.wrapper(kms, kms_key).wrap(BRANCH_1, PLAINTEXT)
        assert named == kms_key
        kms.asked.clear()
        return WrappedKey(BRANCH_1, wrapped, KeyState.ACTIVE, START, kms_key)

    @staticmethod
    def after(row: WrappedKey, moved: tuple[bytes, str]) -> WrappedKey:
        return WrappedKey(row.key_id, moved[0], row.state, row.created_at, moved[1])

    def test_in_one_region_kms_alone_sees_the_plaintext(self, kms: Kms) -> None:
        row, target = self.row(kms, kms.new_key()), kms.new_key()
        wrapper = self.wrapper(kms, target)
        moved = self.after(row, wrapper.rewrap(row))
        assert kms.asked == [("eu-west-1", "ReEncrypt")]
        assert (moved.kms_key, wrapper.unwrap(moved)) == (target, PLAINTEXT)

    @pytest.mark.parametrize(
        ("source", "target"), [(ELSEWHERE, "eu-west-1"), ("eu-west-1", ELSEWHERE)], ids=["here", "there"]
    )
    def test_between_regions_it_is_decrypted_there_and_encrypted_here(self, kms: Kms, source: str, target: str) -> None:
        row, kms_key = self.row(kms, kms.new_key(source)), kms.new_key(target)
        wrapper = self.wrapper(kms, kms_key)
        moved = self.after(row, wrapper.rewrap(row))
        assert kms.asked == [(source, "Decrypt"), (target, "Encrypt")]
        assert (moved.kms_key, wrapper.unwrap(moved)) == (kms_key, PLAINTEXT)

    def test_from_the_key_of_another_tenant_nothing_is_taken(self, kms: Kms) -> None:
        """Whoever may use that one could have made the row's key."""
        row, target = self.row(kms, kms.new_key()), kms.new_key()
        tenants = {"acme": {"kms_key": target}, "other": {"kms_key": row.kms_key}}
        wrapper = KmsKeyWrapper(
            kms, parse({**POLICY, "tenants": tenants}), kek_arn=kms.new_key(), storage_key_arn=kms.new_key()
        )
        for act in (wrapper.unwrap, wrapper.rewrap):
            with pytest.raises(TamperedStore):
                act(row)
        assert kms.asked == []

    def test_within_another_region_it_is_asked_there(self, kms: Kms) -> None:
        row, kms_key = self.row(kms, kms.new_key(ELSEWHERE)), kms.new_key(ELSEWHERE)
        wrapper = self.wrapper(kms, kms_key)
        wrapper.rewrap(row)
        assert kms.asked == [(ELSEWHERE, "ReEncrypt")]

    @pytest.mark.parametrize("source", ["eu-west-1", ELSEWHERE])
    def test_what_is_moved_stays_bound_to_what_it_belongs_to(self, kms: Kms, source: str) -> None:
        row, kms_key = self.row(kms, kms.new_key(source)), kms.new_key()
        wrapper = self.wrapper(kms, kms_key)
        moved = self.after(row, wrapper.rewrap(row))
        for key_id in (BRANCH_1.next(), KeyId("other", KeyUse.BRANCH, 1), KeyId("acme", KeyUse.INDEX, 1)):
            with pytest.raises(TamperedStore):
                wrapper.unwrap(WrappedKey(key_id, moved.wrapped, row.state, START, moved.kms_key))

    @pytest.mark.parametrize("source", ["eu-west-1", ELSEWHERE])
    def test_what_belongs_to_something_else_is_not_moved(self, kms: Kms, source: str) -> None:
        row = self.row(kms, kms.new_key(source))
        wrapper = self.wrapper(kms, kms.new_key())
        with pytest.raises(TamperedStore):
            wrapper.rewrap(WrappedKey(BRANCH_1.next(), row.wrapped, row.state, START, row.kms_key))

    @pytest.mark.parametrize("source", ["eu-west-1", ELSEWHERE])
    def test_a_disabled_source_is_unavailable(self, kms: Kms, source: str) -> None:
        row = self.row(kms, kms.new_key(source))
        kms(source).disable_key(KeyId=row.kms_key)
        with pytest.raises(KeyUnavailable):
            self.wrapper(kms, kms.new_key()).rewrap(row)

    @pytest.mark.parametrize("target", ["eu-west-1", ELSEWHERE])
    def test_a_disabled_target_is_unavailable(self, kms: Kms, target: str) -> None:
        row, kms_key = self.row(kms, kms.new_key()), kms.new_key(target)
        kms(target).disable_key(KeyId=kms_key)
        with pytest.raises(KeyUnavailable):
            self.wrapper(kms, kms_key).rewrap(row)

    def test_audit_keys_go_under_the_storage_key(self, kms: Kms) -> None:
        wrapper = self.wrapper(kms, kms.new_key())
        key_id = KeyId("acme", KeyUse.AUDIT, 1)
        assert wrapper.wrap(key_id, PLAINTEXT)[1] == wrapper.kms_key_for(key_id) != wrapper.kms_key_of("acme")

    @pytest.mark.parametrize("is_named", [True, False], ids=["named", "unnamed"])
    def test_a_record_key_of_direct_wrapping_is_moved_too(self, kms: Kms, is_named: bool) -> None:  # noqa: FBT001
        source, target = kms.new_key(), kms.new_key()
        wrapped, _ = self.wrapper(kms, source).wrap_record_key("acme", "tok_1", PLAINTEXT)
        wrapper = self.wrapper(kms, target)
        moved, kms_key = wrapper.rewrap_record_key("acme", "tok_1", wrapped, source if is_named else None)
        assert kms_key == target
        assert wrapper.unwrap_record_key("acme", "tok_1", moved, target) == PLAINTEXT
        with pytest.raises(TamperedStore):
            wrapper.unwrap_record_key("acme", "tok_2", moved, target)

    def test_from_a_former_key_that_is_another_tenant_s_now_it_is_moved(self, kms: Kms) -> None:
        row, target = self.row(kms, kms.new_key()), kms.new_key()
        tenants = {"acme": {"kms_key": target, "former_kms_keys": [row.kms_key]}, "other": {"kms_key": row.kms_key}}
        wrapper = KmsKeyWrapper(
            kms, parse({**POLICY, "tenants": tenants}), kek_arn=kms.new_key(), storage_key_arn=kms.new_key()
        )
        assert self.after(row, wrapper.rewrap(row)).kms_key == target
