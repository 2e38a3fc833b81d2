"""Each tenant's keys: made once, unwrapped rarely, never used past their age."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from phone_vault.domain.audit import Entry
from phone_vault.domain.errors import KeyUnavailable, StoreUnavailable, TamperedStore
from phone_vault.domain.keys import FIRST_USES, VAULT, KeyId, KeyState, KeyUse, WrappedKey
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.tally import Measure, Tally
from tests.fakes import ManualClock, MemoryKeyRingStore, MemoryKeyWrapper

MAX_AGE = timedelta(seconds=300)
PATIENCE_SECONDS = 5


class RacedStore(MemoryKeyRingStore):
    """Lets two writers meet: neither writes before both have found nothing and made their keys."""

    def __init__(self) -> None:
        super().__init__()
        self._meeting = threading.Barrier(2, timeout=PATIENCE_SECONDS)

    def add_keys(self, keys: Sequence[WrappedKey], entries: Sequence[Entry] = ()) -> None:
        self._meeting.wait()
        super().add_keys(keys, entries)


@dataclass
class World:
    """KMS and DynamoDB, and as many instances of functions as a test wants."""

    store: MemoryKeyRingStore = field(default_factory=MemoryKeyRingStore)
    kms: MemoryKeyWrapper = field(default_factory=MemoryKeyWrapper)
    clock: ManualClock = field(default_factory=ManualClock)
    tally: Tally = field(default_factory=Tally)

    def instance(self, mac_keys_from: KeyUse = KeyUse.INDEX, capacity: int = 100) -> KeyRing:
        """A cold one."""
        return KeyRing(
            self.store,
            self.kms,
            self.clock,
            self.tally,
            max_age=MAX_AGE,
            capacity=capacity,
            mac_keys_from=mac_keys_from,
        )

    def kms_calls(self, act: Callable[[], object]) -> int:
        """How many KMS is asked for by this act."""
        before = len(self.kms.wrapped) + len(self.kms.unwrapped)
        act()
        return len(self.kms.wrapped) + len(self.kms.unwrapped) - before


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def used(world: World) -> World:
    """A world in which the tenant `acme` has keys."""
    world.instance().ensure("acme")
    return world


def everything(ring: KeyRing, tenant_id: str = "acme") -> list[object]:
    """All keys that an instance can have of a tenant."""
    return [
        ring.active_branch_key(tenant_id),
        ring.index_keys(tenant_id),
        ring.subject_key(tenant_id),
        ring.audit_key(tenant_id),
    ]


def at_once(*acts: Callable[[], object]) -> None:
    """In threads; a failure of one is the test's."""
    failures: list[BaseException] = []

    def guarded(act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert not any(thread.is_alive() for thread in threads)
    assert failures == []


class TestFirstUse:
    """Keys are made once."""

    def test_a_tenant_that_was_never_used_is_not_known(self, world: World) -> None:
        assert not world.instance().knows("acme")

    def test_a_tenant_is_known_once_its_keys_are_made(self, used: World) -> None:
        assert used.instance().knows("acme")

    def test_asking_for_a_tenant_makes_no_keys(self, world: World) -> None:
        assert world.kms_calls(lambda: world.instance().knows("acme")) == 0

    def test_that_a_tenant_is_unknown_is_not_remembered(self, world: World) -> None:
        ring = world.instance()
        assert not ring.knows("acme")
        world.instance().ensure("acme")
        assert ring.knows("acme")

    def test_a_key_of_each_use_is_made(self, used: World) -> None:
        assert {row.key_id.use for row in used.store.keys_of("acme").keys} == set(FIRST_USES)

    def test_every_key_is_wrapped_once(self, used: World) -> None:
        assert sorted(key_id.name for key_id in used.kms.wrapped) == ["audit#1", "branch#1", "index#1", "subject#1"]

    def test_a_second_use_makes_nothing(self, used: World) -> None:
        assert used.kms_calls(lambda: used.instance().ensure("acme")) == 0

    def test_tenants_have_keys_of_their_own(self, used: World) -> None:
        ring = used.instance()
        ring.ensure("other")
        assert ring.index_keys("acme") != ring.index_keys("other")
        assert ring.subject_key("acme") != ring.subject_key("other")
        assert ring.active_branch_key("acme") != ring.active_branch_key("other")

    def test_all_keys_of_a_tenant_differ(self, used: World) -> None:
        ring = used.instance()
        keys = [ring.active_branch_key("acme")[1].key, *ring.index_keys("acme").values()]
        keys += [ring.subject_key("acme"), ring.audit_key("acme").key]
        assert len({key.expose() for key in keys}) == 4

    def test_two_instances_at_once_have_the_same_keys(self) -> None:
        world = World(store=RacedStore())
        one, other = world.instance(), world.instance()
        at_once(lambda: one.ensure("acme"), lambda: other.ensure("acme"))
        assert everything(one) == everything(other)

    def test_two_instances_at_once_leave_one_set_of_keys(self) -> None:
        world = World(store=RacedStore())
        at_once(lambda: world.instance().ensure("acme"), lambda: world.instance().ensure("acme"))
        assert len(world.store.keys_of("acme").keys) == len(FIRST_USES)

    def test_threads_of_one_instance_make_keys_once(self, world: World) -> None:
        ring = world.instance()
        at_once(*[lambda: ring.ensure("acme")] * 8)
        assert len(world.kms.wrapped) == len(FIRST_USES)

    def test_a_first_use_that_kms_refuses_leaves_nothing(self, world: World) -> None:
        world.kms.disabled = {KeyUse.AUDIT}
        with pytest.raises(KeyUnavailable):
            world.instance().ensure("acme")
        assert world.store.keys_of("acme").keys == ()

    def test_a_store_that_does_not_answer_makes_nothing(self, world: World) -> None:
        world.store.is_reachable = False
        with pytest.raises(StoreUnavailable):
            world.instance().ensure("acme")
        assert world.kms.wrapped == []


class TestCalls:
    """What KMS is asked for."""

    def test_a_cold_function_with_branch_and_index_keys_needs_two_calls(self, used: World) -> None:
        ring = used.instance()
        assert used.kms_calls(lambda: everything(ring)) == 2

    def test_a_cold_function_with_index_keys_alone_needs_one_call(self, used: World) -> None:
        ring = used.instance()
        assert used.kms_calls(lambda: (ring.index_keys("acme"), ring.subject_key("acme"), ring.audit_key("acme"))) == 1

    def test_a_cold_function_with_branch_and_audit_keys_needs_two_calls(self, used: World) -> None:
        ring = used.instance(mac_keys_from=KeyUse.AUDIT)
        assert used.kms_calls(lambda: (ring.branch_key("acme", 1), ring.audit_key("acme"))) == 2

    def test_a_function_with_audit_keys_alone_asks_for_no_index_row(self, used: World) -> None:
        ring = used.instance(mac_keys_from=KeyUse.AUDIT)
        ring.branch_key("acme", 1)
        ring.audit_key("acme")
        assert {key_id.use for key_id in used.kms.unwrapped} == {KeyUse.BRANCH, KeyUse.AUDIT}

    def test_a_function_without_branch_keys_asks_for_no_branch_row(self, used: World) -> None:
        ring = used.instance()
        ring.index_keys("acme")
        ring.audit_key("acme")
        assert {key_id.use for key_id in used.kms.unwrapped} == {KeyUse.INDEX}

    def test_a_warm_function_asks_neither_kms_nor_the_store(self, used: World) -> None:
        ring = used.instance()
        everything(ring)
        reads = used.store.reads
        assert used.kms_calls(lambda: everything(ring)) == 0
        assert used.store.reads == reads

    def test_threads_that_need_a_key_at_once_make_one_call(self, used: World) -> None:
        ring = used.instance()
        assert used.kms_calls(lambda: at_once(*[lambda: ring.active_branch_key("acme")] * 8)) == 1

    def test_every_call_is_counted(self, used: World) -> None:
        everything(used.instance())
        counts, _ = used.tally.take()
        assert counts[Measure.KMS_CALLS] == len(used.kms.wrapped) + len(used.kms.unwrapped)

    def test_hits_are_counted(self, used: World) -> None:
        ring = used.instance()
        ring.index_keys("acme")
        used.tally.take()
        ring.index_keys("acme")
        counts, _ = used.tally.take()
        assert counts[Measure.KEY_CACHE_HITS] == 1

    def test_more_tenants_than_the_capacity_are_served_all_the_same(self, world: World) -> None:
        ring = world.instance(capacity=2)
        for tenant_id in "abcd":
            ring.ensure(tenant_id)
        assert [ring.subject_key(each) for each in "abcd"] == [world.instance().subject_key(each) for each in "abcd"]


class TestAge:
    """A plaintext key is used for a bounded time."""

    def test_a_key_is_used_up_to_its_age(self, used: World) -> None:
        ring = used.instance()
        everything(ring)
        used.clock.advance(MAX_AGE - timedelta(microseconds=1))
        assert used.kms_calls(lambda: everything(ring)) == 0

    def test_a_key_is_unwrapped_anew_at_its_age(self, used: World) -> None:
        ring = used.instance()
        everything(ring)
        used.clock.advance(MAX_AGE)
        assert used.kms_calls(lambda: everything(ring)) == 2

    def test_a_disabled_kek_stops_a_warm_function_at_the_key_s_age(self, used: World) -> None:
        ring = used.instance()
        ring.branch_key("acme", 1)
        used.kms.disabled = {KeyUse.BRANCH}
        ring.branch_key("acme", 1)
        used.clock.advance(MAX_AGE)
        with pytest.raises(KeyUnavailable):
            ring.branch_key("acme", 1)

    def test_an_enabled_kek_serves_again(self, used: World) -> None:
        ring = used.instance()
        used.kms.disabled = {KeyUse.BRANCH}
        with pytest.raises(KeyUnavailable):
            ring.branch_key("acme", 1)
        used.kms.disabled = set()
        ring.begin_call()
        ring.branch_key("acme", 1)


class TestAuditKey:
    """It outlives the Kek."""

    def test_it_is_the_same_by_either_row(self, used: World) -> None:
        by_index = used.instance(mac_keys_from=KeyUse.INDEX).audit_key("acme")
        by_subject = used.instance(mac_keys_from=KeyUse.SUBJECT).audit_key("acme")
        by_itself = used.instance(mac_keys_from=KeyUse.AUDIT).audit_key("acme")
        assert by_index == by_subject == by_itself

    def test_the_subject_key_is_the_same_by_either_row(self, used: World) -> None:
        by_index = used.instance(mac_keys_from=KeyUse.INDEX).subject_key("acme")
        assert by_index == used.instance(mac_keys_from=KeyUse.SUBJECT).subject_key("acme")

    def test_it_names_its_tenant_and_version(self, used: World) -> None:
        assert used.instance().audit_key("acme").name == "acme/1"

    def test_with_the_kek_disabled_it_comes_from_its_own_row(self, used: World) -> None:
        expected = used.instance().audit_key("acme")
        used.kms.disabled = {KeyUse.BRANCH, KeyUse.INDEX, KeyUse.SUBJECT}
        assert used.instance().audit_key("acme") == expected

    def test_with_everything_disabled_there_is_none(self, used: World) -> None:
        used.kms.disabled = set(KeyUse)
        with pytest.raises(KeyUnavailable):
            used.instance().audit_key("acme")

    def test_a_tenant_never_used_has_the_vault_s(self, used: World) -> None:
        ring = used.instance()
        assert ring.audit_key("nobody") == ring.audit_key(None)

    def test_the_vault_s_is_made_on_first_use(self, world: World) -> None:
        assert world.instance().audit_key(None).name == f"{VAULT}/1"

    def test_the_vault_has_no_other_key(self, world: World) -> None:
        world.instance().audit_key(None)
        assert [row.key_id.use for row in world.store.keys_of(VAULT).keys] == [KeyUse.AUDIT]

    def test_asking_for_a_tenant_never_used_makes_no_keys_of_its_own(self, world: World) -> None:
        world.instance().audit_key("nobody")
        assert world.store.keys_of("nobody").keys == ()

    def test_two_instances_at_once_make_one_for_the_vault(self) -> None:
        world = World(store=RacedStore())
        one, other = world.instance(), world.instance()
        at_once(lambda: one.audit_key(None), lambda: other.audit_key(None))
        assert one.audit_key(None) == other.audit_key(None)


class TestTampering:
    """Rows that are not what was written."""

    @pytest.mark.parametrize("use", FIRST_USES)
    def test_a_row_with_other_bytes_is_refused(self, used: World, use: KeyUse) -> None:
        used.store.overwrite(replace(used.store.row("acme", use), wrapped=b"other"))
        mac_keys_from = KeyUse.INDEX if use in (KeyUse.BRANCH, KeyUse.INDEX) else use
        with pytest.raises(TamperedStore):
            self.all_of(used.instance(mac_keys_from), use)

    @pytest.mark.parametrize("use", FIRST_USES)
    def test_a_row_with_another_tenant_s_bytes_is_refused(self, used: World, use: KeyUse) -> None:
        used.instance().ensure("other")
        foreign = used.store.row("other", use)
        used.store.overwrite(replace(used.store.row("acme", use), wrapped=foreign.wrapped))
        mac_keys_from = KeyUse.INDEX if use in (KeyUse.BRANCH, KeyUse.INDEX) else use
        with pytest.raises(TamperedStore):
            self.all_of(used.instance(mac_keys_from), use)

    @pytest.mark.parametrize("other", [KeyUse.INDEX, KeyUse.SUBJECT, KeyUse.AUDIT])
    def test_a_branch_row_with_another_use_s_bytes_is_refused(self, used: World, other: KeyUse) -> None:
        foreign = used.store.row("acme", other)
        used.store.overwrite(replace(used.store.row("acme", KeyUse.BRANCH), wrapped=foreign.wrapped))
        with pytest.raises(TamperedStore):
            used.instance().active_branch_key("acme")

    @pytest.mark.parametrize("length", [0, 32, 64, 95, 97, 128])
    def test_an_index_row_that_wraps_another_number_of_bytes_is_refused(self, used: World, length: int) -> None:
        key_id = KeyId("acme", KeyUse.INDEX, 1)
        wrapped, _ = used.kms.wrap(key_id, bytes(length))
        used.store.overwrite(replace(used.store.row("acme", KeyUse.INDEX), wrapped=wrapped))
        with pytest.raises(TamperedStore):
            used.instance().index_keys("acme")

    @pytest.mark.parametrize("use", [KeyUse.BRANCH, KeyUse.INDEX, KeyUse.AUDIT])
    def test_a_missing_row_is_not_made_up(self, used: World, use: KeyUse) -> None:
        used.store.remove(KeyId("acme", use, 1))
        with pytest.raises(TamperedStore):
            self.all_of(used.instance(), use)

    def test_a_tampered_row_is_refused_again_and_not_remembered(self, used: World) -> None:
        good = used.store.row("acme", KeyUse.BRANCH)
        used.store.overwrite(replace(good, wrapped=b"other"))
        ring = used.instance()
        for _ in range(2):
            with pytest.raises(TamperedStore):
                ring.active_branch_key("acme")

    @staticmethod
    def all_of(ring: KeyRing, use: KeyUse) -> None:
        """Whatever needs the row of this use."""
        if use is KeyUse.BRANCH:
            ring.active_branch_key("acme")
        elif use is KeyUse.AUDIT:
            ring.audit_key("acme")
        else:
            ring.subject_key("acme")


class TestVersions:
    """Rows that were made since they were read."""

    @staticmethod
    def add_version(world: World, use: KeyUse, version: int) -> None:
        """As a rotation will."""
        key_id = KeyId("acme", use, version)
        wrapped, kms_key = world.kms.wrap(key_id, bytes([version]) * (96 if use is KeyUse.INDEX else 32))
        world.store.add_keys([WrappedKey(key_id, wrapped, KeyState.ACTIVE, world.clock.now(), kms_key)])

    def test_an_unknown_branch_version_is_looked_for_anew(self, used: World) -> None:
        ring = used.instance()
        ring.branch_key("acme", 1)
        self.add_version(used, KeyUse.BRANCH, 2)
        assert ring.branch_key("acme", 2).key.expose() == b"\2" * 32

    def test_a_branch_version_that_nobody_made_is_a_tampered_record(self, used: World) -> None:
        with pytest.raises(TamperedStore):
            used.instance().branch_key("acme", 9)

    def test_a_branch_version_of_a_tenant_that_was_never_used_is_a_tampered_record(self, used: World) -> None:
        with pytest.raises(TamperedStore):
            used.instance().branch_key("nobody", 1)

    def test_a_known_branch_version_reads_no_rows_anew(self, used: World) -> None:
        ring = used.instance()
        ring.branch_key("acme", 1)
        reads = used.store.reads
        ring.branch_key("acme", 1)
        assert used.store.reads == reads

    def test_new_record_keys_go_under_the_highest_version(self, used: World) -> None:
        for version in (2, 10):
            self.add_version(used, KeyUse.BRANCH, version)
        assert used.instance().active_branch_key("acme")[0] == 10

    def test_an_old_branch_version_still_reads(self, used: World) -> None:
        before = used.instance().branch_key("acme", 1)
        self.add_version(used, KeyUse.BRANCH, 2)
        assert used.instance().branch_key("acme", 1) == before

    def test_all_versions_of_the_index_are_live(self, used: World) -> None:
        self.add_version(used, KeyUse.INDEX, 2)
        assert used.instance().index_keys("acme").keys() == {1, 2}

    def test_a_branch_key_carries_its_version_s_name(self, used: World) -> None:
        assert used.instance().branch_key("acme", 1).name == "branch#1"
