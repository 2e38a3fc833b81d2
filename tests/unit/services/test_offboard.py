import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.crypto.receipts import checked
from phone_vault.domain.callers import direct_caller
from phone_vault.domain.errors import StoreUnavailable, TamperedStore
from phone_vault.domain.keys import KeyId, KeyState, KeyUse, RotationReason, WrappedKey
from phone_vault.domain.moments import to_text
from phone_vault.domain.off_boarding import OffBoarding, off_boarding_text
from phone_vault.domain.policy_file import parse
from phone_vault.domain.ports import Contended, RecordId
from phone_vault.domain.receipt_ports import SealedOffBoarding
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.job import Desk
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.key_versions import KeyVersions
from phone_vault.services.offboard import Offboard, OffBoardingParts
from phone_vault.services.receipts import Receipts
from phone_vault.services.sealed_off_boardings import SealedOffBoardings
from phone_vault.services.tally import Tally
from tests.fake_off_boarding import (
    DisturbedKeyRingStore,
    MemoryOffBoardingStore,
    MemoryReceiptStore,
    MemoryTenantRecords,
    Row,
)
from tests.fake_signer import MemorySigner
from tests.fakes import ManualClock, MemoryAuditLog, MemoryKeyWrapper
from tests.fakes.disturbances import Disturbances, Killed
from tests.unit.receipts import file_of
from tests.unit.samples import POLICY

OPERATOR = direct_caller(None)
ACME = {"tenant_id": "acme", "confirm": "acme"}
REF = "r" * 43


class World:
    """Two tenants with keys and records, and as many instances of the function as a test makes."""

    def __init__(self, key_recovery_days: int = 7) -> None:
        self.clock = ManualClock()
        self.log = MemoryAuditLog()
        self.kms = MemoryKeyWrapper()
        self.signer = MemorySigner()
        self.disturbances = Disturbances()
        self.store = DisturbedKeyRingStore(self.log, self.disturbances)
        self.records = MemoryTenantRecords(self.disturbances)
        self.off_boardings = MemoryOffBoardingStore(self.disturbances)
        self.receipts = MemoryReceiptStore(self.log, self.disturbances)
        self.policy = replace(parse(POLICY), digest="ab" * 32)
        self.key_recovery = timedelta(days=key_recovery_days)
        for tenant_id in ("acme", "other"):
            self._ring().ensure(tenant_id)
            for number in range(4):
                self.records.rows[RecordId(tenant_id, f"tok_{number}")] = Row(is_direct=False)
                self.records.rows[RecordId(tenant_id, f"tok_d{number}")] = Row(is_direct=True)
            self.records.rows[RecordId(tenant_id, f"m#{REF}#security")] = Row(is_direct=False)
            self.records.rows[RecordId(tenant_id, f"m#{REF}#delivery")] = Row(is_direct=True)
        self.disturbances.calls.clear()

    def instance(self) -> Offboard:
        """Cold."""
        ring = self._ring()
        trail = AuditTrail(Offboard.name, self.log, ring, self.clock)
        desk = Desk(self.policy, ring, trail, self.clock, Tally())
        return Offboard(
            desk,
            OffBoardingParts(
                self.versions(trail),
                self.records,
                SealedOffBoardings(self.off_boardings, ring),
                Receipts(self.receipts, self.signer, trail, key_recovery=self.key_recovery),
            ),
        )

    def versions(self, trail: AuditTrail | None = None) -> KeyVersions:
        """Steps in the life of keys, as a rotation makes them."""
        trail = trail or AuditTrail("RotateKeys", self.log, self._ring(), self.clock)
        return KeyVersions(self.store, self.kms, trail, self.clock, Tally())

    def call(self, request: object = ACME, until_done: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002  a test's
        """The answer of a cold instance."""
        answer = self.instance()(OPERATOR, request)
        while until_done and answer.get("state") in {"checking", "destroying"}:
            answer = self.instance()(OPERATOR, request)
        return answer

    def receipt(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Of an answer, checked as whoever holds it checks it."""
        assert answer.keys() == {"tenant_id", "state", "receipt"}
        assert answer["state"] == "destroyed"
        return checked(file_of(answer["receipt"]), self.signer.public_key())

    def key_rows(self, tenant_id: str = "acme") -> dict[str, WrappedKey]:
        """By name."""
        return {key.key_id.name: key for key in self.store.keys_of(tenant_id).keys}

    def outcomes(self) -> list[str]:
        """What the trail tells of Offboard."""
        return [_outcome(entry.text) for entry in self.log.entries if entry.chain.startswith("Offboard#")]

    def _ring(self) -> KeyRing:
        return KeyRing(
            self.store,
            self.kms,
            self.clock,
            Tally(),
            max_age=timedelta(seconds=300),
            capacity=10,
            mac_keys_from=KeyUse.AUDIT,
        )


def _outcome(text: str) -> str:
    return str(json.loads(text)["outcome"])


@pytest.fixture
def world() -> World:
    return World()


def problem(answer: Mapping[str, Any]) -> str:
    assert answer.keys() == {"problem"}
    return str(answer["problem"]["type"]).removeprefix("urn:phone-vault:problem:")


def test_all_keys_of_the_tenant_but_its_audit_key_are_destroyed(world: World) -> None:
    before = world.key_rows()
    world.receipt(world.call())
    after = world.key_rows()
    assert {name for name, key in after.items() if key.state is KeyState.DESTROYED} == before.keys() - {"audit#1"}
    assert [name for name, key in after.items() if key.wrapped] == ["audit#1"]
    assert after["audit#1"] == before["audit#1"]


def test_record_keys_that_kms_wraps_are_destroyed_and_the_others_cost_no_write(world: World) -> None:
    world.receipt(world.call())
    rows = {each.token: row for each, row in world.records.rows.items() if each.tenant_id == "acme"}
    assert {token for token, row in rows.items() if not row.has_key} == {
        *(f"tok_d{number}" for number in range(4)),
        f"m#{REF}#delivery",
    }
    tombstone = rows["tok_d0"]
    assert tombstone.erased_at == world.clock.now()
    assert tombstone.expires_at == world.clock.now() + timedelta(days=90)


def test_of_a_tenant_on_its_way_to_direct_wrapping_every_record_key_is_destroyed(world: World) -> None:
    """A pass that moves it there has read a row, and writes it back after off-boarding has passed."""
    world.policy = parse({**POLICY, "tenants": {"acme": {"wrapping": "direct"}}})
    assert world.receipt(world.call())["counts"] == {"stored_numbers": 8, "message_keys": 2}
    assert not [each for each, row in world.records.rows.items() if each.tenant_id == "acme" and row.has_key]


def test_other_tenants_keep_everything(world: World) -> None:
    keys = world.key_rows("other")
    rows = {each: row for each, row in world.records.rows.items() if each.tenant_id == "other"}
    world.receipt(world.call())
    assert world.key_rows("other") == keys
    assert {each: row for each, row in world.records.rows.items() if each.tenant_id == "other"} == rows


def test_the_receipt_tells_what_went_and_when_it_is_final(world: World) -> None:
    receipt = world.receipt(world.call({**ACME, "reason": "contract ended"}))
    assert {name: receipt[name] for name in ("kind", "tenant_id", "reason", "policy", "counts", "by_purpose")} == {
        "kind": "off-boarding",
        "tenant_id": "acme",
        "reason": "contract ended",
        "policy": "ab" * 32,
        "counts": {"stored_numbers": 8, "message_keys": 2},
        "by_purpose": {},
    }
    assert receipt["at"] == to_text(world.clock.now())
    assert receipt["final_at"] == to_text(world.clock.now() + timedelta(days=35))


def test_the_longest_backup_window_decides_when_it_is_final() -> None:
    world = World(key_recovery_days=40)
    receipt = world.receipt(world.call())
    assert receipt["final_at"] == to_text(world.clock.now() + timedelta(days=40))


def test_the_tenant_is_refused_before_any_of_its_keys_goes(world: World) -> None:
    world.call()
    writes = [call for call in world.disturbances.calls if call.split(".")[1] in ("off_board", "change", "destroy_key")]
    assert writes[0] == "key_ring.off_board"
    assert writes.index("key_ring.change") < writes.index("records.destroy_key")
    assert world.disturbances.calls[-1] == "receipts.add"


def test_everything_is_written_to_the_trail_before_it_happens(world: World) -> None:
    world.call()
    outcomes = world.outcomes()
    assert outcomes[0] == "off-boarding"
    assert outcomes[-1] == "off-boarded"
    assert outcomes.count("key-destroyed") == 3
    assert "record-keys-destroyed" in outcomes


def test_nothing_is_destroyed_without_the_trail(world: World) -> None:
    keys, rows = world.key_rows(), dict(world.records.rows)
    world.log.failure = StoreUnavailable("DynamoDB does not answer")
    assert problem(world.call()) == "store-unavailable"
    assert (world.key_rows(), world.records.rows) == (keys, rows)


def test_no_record_key_is_destroyed_without_the_trail(world: World) -> None:
    instance = world.instance()

    def unavailable() -> None:
        world.log.failure = StoreUnavailable("DynamoDB does not answer")

    world.disturbances.before("key_ring.off_board", lambda: world.disturbances.before("records.page", unavailable))
    assert problem(instance(OPERATOR, ACME)) == "audit-unavailable"
    assert list(world.records.with_own_keys("acme"))
    world.log.failure = None
    assert world.receipt(world.call())["counts"] == {"stored_numbers": 8, "message_keys": 2}


def test_called_again_it_answers_the_same_receipt(world: World) -> None:
    first = world.call({**ACME, "reason": "contract ended"})
    world.clock.advance(timedelta(days=400))
    assert world.call({**ACME, "reason": "another"}) == first
    assert world.call() == first
    assert world.outcomes()[-2:] == ["off-boarding", "off-boarding"]


@pytest.mark.parametrize(
    ("request_", "pointers"),
    [
        ({"tenant_id": "acme", "confirm": "other"}, {"/confirm"}),
        ({"tenant_id": "acme", "confirm": "ACME"}, {"/confirm"}),
        ({"tenant_id": "acme"}, {"/confirm"}),
        ({"tenant_id": "acme", "confirm": True}, {"/confirm"}),
        ({"confirm": "acme"}, {"/tenant_id", "/confirm"}),
        ({"tenant_id": "#vault", "confirm": "#vault"}, {"/tenant_id", "/confirm"}),
        ({**ACME, "reason": "they asked by +44 7400 123456"}, {"/reason"}),
        ({**ACME, "reason": 7}, {"/reason"}),
        ({**ACME, "force": True}, {"/force"}),
        ([], {""}),
    ],
)
def test_a_request_that_is_not_meant_exactly_so_changes_nothing(
    world: World, request_: object, pointers: set[str]
) -> None:
    keys, rows = world.key_rows(), dict(world.records.rows)
    answer = world.call(request_)
    assert problem(answer) == "invalid-request"
    assert sorted(error["pointer"] for error in answer["problem"]["errors"]) == sorted(pointers)
    assert "#vault" not in str(answer)
    assert (world.key_rows(), world.records.rows) == (keys, rows)
    assert world.store.keys_of("acme").off_boarded_at is None


def test_a_tenant_with_a_record_under_legal_hold_stays(world: World) -> None:
    world.records.rows[RecordId("acme", "tok_held")] = Row(is_direct=False, is_held=True)
    before = world.store.keys_of("acme")
    answer = world.call()
    assert answer["problem"]["type"].endswith("under-legal-hold")
    assert world.store.keys_of("acme") == before


def test_the_look_for_holds_goes_on_where_the_call_before_ended_and_from_the_first_record_after_a_hold(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Offboard, "pages_a_call", 1)
    held = RecordId("acme", "tok_d3")
    world.records.rows[held] = Row(is_direct=True, is_held=True)
    answers = [world.call() for _ in range(5)]
    assert [answer.get("state") for answer in answers] == [*["checking"] * 3, None, "checking"]
    assert problem(answers[3]) == "under-legal-hold"
    assert len(list(world.records.with_own_keys("acme"))) == 5
    world.records.rows[held] = Row(is_direct=True)
    assert world.receipt(world.call(until_done=True))["counts"] == {"stored_numbers": 8, "message_keys": 2}


@pytest.mark.parametrize("call", ["records.page", "off_boardings.read", "off_boardings.write", "key_ring.off_board"])
def test_a_look_that_another_call_overtakes_makes_the_pass_miss_no_record(
    world: World, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(Offboard, "pages_a_call", 5)
    for at in range(4):
        started = [lambda: None] * at
        world.disturbances.before(call, *started, lambda: world.call())
    assert world.receipt(world.call(until_done=True))["counts"] == {"stored_numbers": 8, "message_keys": 2}
    assert not list(world.records.with_own_keys("acme"))


def test_a_tenant_that_never_was_is_not_found(world: World) -> None:
    assert problem(world.call({"tenant_id": "nobody", "confirm": "nobody"})) == "not-found"
    assert world.store.keys_of("nobody").off_boarded_at is None


def kill_everywhere(attempt: Callable[[World, int], bool]) -> int:
    """Try with the instance dying after each number of calls, until it does not; how many deaths that were."""
    calls = 1
    while attempt(World(), calls):
        calls += 1
    return calls - 1


def test_whatever_stops_a_call_the_next_one_ends_it_and_counts_right() -> None:
    def attempt(world: World, calls: int) -> bool:
        died = False
        world.disturbances.kill_after(calls)
        try:
            world.call({**ACME, "reason": "contract ended"})
        except Killed:
            died = True
        world.disturbances.end()
        world.clock.advance(timedelta(days=1))
        receipt = world.receipt(world.call())
        assert receipt["counts"] == {"stored_numbers": 8, "message_keys": 2}
        assert not list(world.records.with_own_keys("acme"))
        assert [name for name, key in world.key_rows().items() if key.wrapped] == ["audit#1"]
        assert world.call()["receipt"] == receipt
        return died

    assert kill_everywhere(attempt) > 20


def test_dying_at_every_call_it_comes_to_an_end_all_the_same(world: World) -> None:
    for _ in range(200):
        world.disturbances.kill_after(8)
        try:
            answer = world.call()
        except Killed:
            continue
        finally:
            world.disturbances.end()
        assert world.receipt(answer)["counts"] == {"stored_numbers": 8, "message_keys": 2}
        return
    pytest.fail("it never ends")


def test_a_tenant_of_many_records_takes_several_calls_and_no_receipt_before_the_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Offboard, "pages_a_call", 2)
    answers = [world.call({**ACME, "reason": "contract ended"})]
    while answers[-1]["state"] != "destroyed":
        assert answers[-1].keys() == {"tenant_id", "state"}
        assert not world.receipts.texts
        answers.append(world.call())
    assert [each["state"] for each in answers] == [*["checking"] * 3, *["destroying"] * 3, "destroyed"]
    receipt = world.receipt(answers[-1])
    assert receipt["counts"] == {"stored_numbers": 8, "message_keys": 2}
    assert receipt["reason"] == "contract ended"


def test_a_call_ends_when_it_has_destroyed_enough(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Offboard, "keys_a_call", 1)
    assert world.call()["state"] == "destroying"
    assert len(list(world.records.with_own_keys("acme"))) >= 2
    assert world.receipt(world.call(until_done=True))["counts"]["stored_numbers"] == 8


def test_what_was_erased_before_does_not_count(world: World) -> None:
    erased_at = world.clock.now()
    world.records.rows[RecordId("acme", "tok_d0")] = Row(is_direct=True, has_key=False, erased_at=erased_at)
    world.clock.advance(timedelta(days=1))
    assert world.receipt(world.call())["counts"] == {"stored_numbers": 7, "message_keys": 2}
    assert world.records.rows[RecordId("acme", "tok_d0")].erased_at == erased_at


def test_what_was_erased_in_the_same_second_does_not_count(world: World) -> None:
    for token in ("tok_0", "tok_d0"):
        world.records.rows[RecordId("acme", token)] = Row(is_direct=False, has_key=False, erased_at=world.clock.now())
    assert world.receipt(world.call())["counts"] == {"stored_numbers": 6, "message_keys": 2}


def test_what_says_that_it_was_erased_and_has_its_key_loses_it_and_counts(world: World) -> None:
    for token in ("tok_0", "tok_d0"):
        row = world.records.rows[RecordId("acme", token)]
        world.records.rows[RecordId("acme", token)] = replace(row, erased_at=world.clock.now())
    assert world.receipt(world.call())["counts"] == {"stored_numbers": 8, "message_keys": 2}
    assert not any(world.records.rows[RecordId("acme", token)].has_key for token in ("tok_0", "tok_d0"))


def test_two_calls_at_once_make_one_receipt(world: World) -> None:
    answers: list[dict[str, Any]] = []
    for step in ("key_ring.off_board", "key_ring.change", "records.destroy_key", "off_boardings.write", "receipts.add"):
        one = World()
        one.disturbances.before(step, lambda one=one: answers.append(one.call()))  # type: ignore[misc]
        answers.append(one.call())
        assert answers[-1] == answers[-2]
        assert one.receipt(answers[-1])["counts"] == {"stored_numbers": 8, "message_keys": 2}
        sequences = sorted((each.chain, each.sequence) for each in one.log.entries)
        chains = {chain for chain, _ in sequences}
        assert all(
            [number for chain, number in sequences if chain == each]
            == list(range(1, 1 + sum(chain == each for chain, _ in sequences)))
            for each in chains
        )


class TestARotationUnderWay:
    """It has read the keys before the tenant left, and goes on."""

    @pytest.mark.parametrize("use", [KeyUse.BRANCH, KeyUse.INDEX])
    def test_a_version_that_it_made_just_before_is_destroyed_too(self, world: World, use: KeyUse) -> None:
        versions = world.versions()
        active = world.store.row("acme", use)
        world.disturbances.before(
            "key_ring.off_board",
            lambda: versions.make(active.key_id.next(), active, RotationReason.SCHEDULED, OPERATOR),
        )
        world.receipt(world.call())
        made = world.store.keys_of("acme").version(KeyId("acme", use, 2))
        assert made is not None
        assert (made.state, made.wrapped) == (KeyState.DESTROYED, b"")

    def test_it_makes_none_afterwards(self, world: World) -> None:
        versions = world.versions()
        active = world.store.row("acme", KeyUse.BRANCH)
        met: list[type[Exception]] = []

        def make() -> None:
            try:
                versions.make(active.key_id.next(), active, RotationReason.SCHEDULED, OPERATOR)
            except Contended as refused:
                met.append(type(refused))

        world.disturbances.before("key_ring.change", make)
        world.receipt(world.call())
        assert met == [Contended]
        assert "branch#2" not in world.key_rows()

    def test_what_it_moves_on_meanwhile_is_destroyed_all_the_same(self, world: World) -> None:
        versions = world.versions()
        active = world.store.row("acme", KeyUse.BRANCH)
        versions.make(active.key_id.next(), active, RotationReason.SCHEDULED, OPERATOR)
        keys = world.store.keys_of("acme")
        pending = keys.pending(KeyUse.BRANCH)
        assert pending is not None
        world.disturbances.before(
            "key_ring.change",
            lambda: versions.activate(keys, pending, RotationReason.SCHEDULED, OPERATOR),
        )
        world.receipt(world.call())
        assert [name for name, key in world.key_rows().items() if key.wrapped] == ["audit#1"]

    def test_it_does_not_bring_back_what_was_destroyed(self, world: World) -> None:
        versions = world.versions()
        active = world.store.row("acme", KeyUse.BRANCH)
        versions.make(active.key_id.next(), active, RotationReason.SCHEDULED, OPERATOR)
        keys = world.store.keys_of("acme")
        pending = keys.pending(KeyUse.BRANCH)
        assert pending is not None
        world.receipt(world.call())
        with pytest.raises(Contended):
            versions.activate(keys, pending, RotationReason.SCHEDULED, OPERATOR)
        with pytest.raises(Contended):
            versions.rewrap(keys.of_use(KeyUse.BRANCH)[0], OPERATOR, world.clock.now())


class TestTheReceipt:
    """What somebody with write access to Operations could try."""

    def test_without_the_receipt_key_there_is_none_and_called_again_there_is(self, world: World) -> None:
        world.signer.is_disabled = True
        assert problem(world.call()) == "key-unavailable"
        assert not world.receipts.texts
        world.signer.is_disabled = False
        assert world.receipt(world.call())["counts"] == {"stored_numbers": 8, "message_keys": 2}

    def test_an_edited_one_is_not_answered(self, world: World) -> None:
        world.call()
        name, text = next(iter(world.receipts.texts.items()))
        world.receipts.texts[name] = text.replace('"stored_numbers": 8', '"stored_numbers": 9')
        with pytest.raises(TamperedStore):
            world.call()

    def test_that_of_another_tenant_does_not_pass_for_this_ones(self, world: World) -> None:
        world.call({"tenant_id": "other", "confirm": "other"})
        world.receipts.texts["offboard#acme"] = world.receipts.texts["offboard#other"]
        with pytest.raises(TamperedStore):
            world.call()

    def test_a_planted_one_keeps_no_key(self, world: World) -> None:
        world.receipts.texts["offboard#acme"] = "{}"
        with pytest.raises(TamperedStore):
            world.call()
        assert [name for name, key in world.key_rows().items() if key.wrapped] == ["audit#1"]
        assert not list(world.records.with_own_keys("acme"))


class TestItsProgress:
    """What somebody with write access to Operations could make of it."""

    @pytest.fixture
    def world(self, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
        monkeypatch.setattr(Offboard, "pages_a_call", 1)
        return world

    def begin(self, world: World) -> None:
        """Up to the first page of which keys are destroyed."""
        request = {**ACME, "reason": "contract ended"}
        while world.call(request)["state"] == "checking":
            pass

    def tampered(self, world: World) -> None:
        with pytest.raises(TamperedStore):
            world.call()
        assert not world.receipts.texts

    def test_a_forged_one_makes_no_receipt_and_when_it_is_deleted_the_next_call_begins_anew(self, world: World) -> None:
        text = off_boarding_text(OffBoarding("acme", "ring +44 7400 123456", done=True, revision=1))
        world.off_boardings.rows["acme"] = SealedOffBoarding(text, b"0" * 32, 1)
        self.tampered(world)
        del world.off_boardings.rows["acme"]
        receipt = world.receipt(world.call(until_done=True))
        assert (receipt["counts"], receipt["reason"]) == ({"stored_numbers": 8, "message_keys": 2}, None)

    @pytest.mark.parametrize(
        ("said", "instead"),
        [
            ('"done":false', '"done":true'),
            ('"stored_numbers":1', '"stored_numbers":0'),
            ("contract ended", "contract broken"),
            ('"revision":', '"revision":1'),
        ],
    )
    def test_an_edited_one_makes_no_receipt(self, world: World, said: str, instead: str) -> None:
        self.begin(world)
        row = world.off_boardings.rows["acme"]
        assert said in row.text
        world.off_boardings.rows["acme"] = row._replace(text=row.text.replace(said, instead))
        self.tampered(world)

    def test_one_of_another_revision_makes_no_receipt(self, world: World) -> None:
        world.call()
        world.off_boardings.rows["acme"] = world.off_boardings.rows["acme"]._replace(revision=7)
        self.tampered(world)

    def test_that_of_another_tenant_does_not_pass_for_this_ones(self, world: World) -> None:
        world.receipt(world.call({"tenant_id": "other", "confirm": "other"}, until_done=True))
        world.off_boardings.rows["acme"] = world.off_boardings.rows["other"]
        with pytest.raises(TamperedStore):
            world.call()
        assert world.receipts.texts.keys() == {"offboard#other"}

    def test_that_of_an_earlier_call_counts_nothing_twice(self, world: World) -> None:
        self.begin(world)
        earlier = world.off_boardings.rows["acme"]
        world.call()
        world.off_boardings.rows["acme"] = earlier
        receipt = world.receipt(world.call(until_done=True))
        assert receipt["counts"] == {"stored_numbers": 8, "message_keys": 2}


def test_keys_that_a_restore_brought_back_are_destroyed_again(world: World) -> None:
    branch = world.key_rows()["branch#1"]
    first = world.call()
    world.store.overwrite(branch)
    assert world.call() == first
    assert [name for name, key in world.key_rows().items() if key.wrapped] == ["audit#1"]


@pytest.mark.parametrize(
    ("call", "failure", "name"),
    [
        ("key_ring.keys_of", StoreUnavailable("no answer"), "store-unavailable"),
        ("key_ring.change", Contended("another"), "store-unavailable"),
        ("off_boardings.write", Contended("another"), "store-unavailable"),
        ("receipts.add", Contended("another"), "store-unavailable"),
        ("records.destroy_key", StoreUnavailable("no answer"), "store-unavailable"),
    ],
)
def test_what_does_not_answer_is_told_and_the_next_call_goes_on(
    world: World, call: str, failure: Exception, name: str
) -> None:
    world.disturbances.fail_always(call, failure)
    assert problem(world.call()) == name
    world.disturbances.end()
    assert world.receipt(world.call())["counts"] == {"stored_numbers": 8, "message_keys": 2}
