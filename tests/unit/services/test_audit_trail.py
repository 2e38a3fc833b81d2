"""The chain of one writer."""

import hashlib
import hmac
import json
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from phone_vault.domain.audit import BEGINNING, Entry, Event
from phone_vault.domain.callers import direct_caller
from phone_vault.domain.errors import AuditUnavailable, StoreUnavailable
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.ports import AlreadyStored, Contended
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.tally import Tally
from tests.fakes import ManualClock, MemoryAuditLog, MemoryKeyRingStore, MemoryKeyWrapper

EVENT = Event("revealed", direct_caller(None), "acme", ("delivery",), tokens=("tok_a",))


@dataclass
class World:
    """An audit trail and what it stands on."""

    log: MemoryAuditLog = field(default_factory=MemoryAuditLog)
    kms: MemoryKeyWrapper = field(default_factory=MemoryKeyWrapper)
    store: MemoryKeyRingStore = field(default_factory=MemoryKeyRingStore)
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.ring = KeyRing(
            self.store,
            self.kms,
            self.clock,
            Tally(),
            max_age=timedelta(seconds=300),
            capacity=100,
            mac_keys_from=KeyUse.AUDIT,
        )
        self.ring.ensure("acme")
        self.trail = self.writer()

    def writer(self) -> AuditTrail:
        """Another instance of the function."""
        return AuditTrail("Reveal", self.log, self.ring, self.clock)


@pytest.fixture
def world() -> World:
    return World()


def contents(entries: list[Entry]) -> list[dict[str, Any]]:
    """What the entries say."""
    return [json.loads(entry.text) for entry in entries]


def check_chain(entries: list[Entry]) -> None:
    """Recomputed by the standard library alone: sequence from 1, each naming the digest of the one before."""
    previous = BEGINNING
    for sequence, entry in enumerate(entries, 1):
        content = json.loads(entry.text)
        assert (content["sequence"], entry.sequence) == (sequence, sequence)
        assert content["chain"] == entry.chain == entries[0].chain
        assert content["previous"] == previous
        previous = hashlib.sha256(entry.text.encode() + entry.mac).hexdigest()


def test_entries_form_a_chain_from_the_beginning(world: World) -> None:
    for _ in range(3):
        world.trail.record([EVENT])
    check_chain(world.log.entries)


def test_entries_written_together_form_a_chain(world: World) -> None:
    world.trail.record([EVENT] * 3)
    world.trail.record([EVENT] * 2)
    check_chain(world.log.entries)


def test_an_entry_is_authenticated_by_its_tenant_s_audit_key(world: World) -> None:
    world.trail.record([EVENT])
    (entry,) = world.log.entries
    label, text = b"audit-entry", entry.text.encode()
    message = len(label).to_bytes(4, "big") + label + len(text).to_bytes(4, "big") + text
    assert entry.mac == hmac.new(world.ring.audit_key("acme").key.expose(), message, hashlib.sha256).digest()


def test_an_entry_names_the_key_that_it_is_authenticated_by(world: World) -> None:
    world.trail.record([EVENT, Event("refused", direct_caller(None))])
    assert [content["keyed_by"] for content in contents(world.log.entries)] == ["acme/1", "#vault/1"]


def test_an_entry_has_the_moment_to_the_second(world: World) -> None:
    world.clock.advance(timedelta(seconds=1.9))
    world.trail.record([EVENT])
    assert world.log.entries[0].at == contents(world.log.entries)[0]["at"] == "2026-01-01T00:00:01Z"


def test_an_entry_says_what_it_is_about(world: World) -> None:
    world.trail.record([EVENT])
    assert world.log.entries[0].about == "acme#tok_a"


def test_every_writer_has_a_chain_of_its_own(world: World) -> None:
    world.trail.record([EVENT])
    world.writer().record([EVENT])
    one, other = world.log.entries
    assert one.chain != other.chain
    assert one.sequence == other.sequence == 1


def test_a_chain_is_named_after_its_function(world: World) -> None:
    world.trail.record([EVENT])
    assert world.log.entries[0].chain.startswith("Reveal#")


@pytest.mark.parametrize("failure", [Contended("changed"), AlreadyStored("tok_b")], ids=["contended", "already-stored"])
def test_the_chain_stays_where_it_is_when_nothing_was_written(world: World, failure: Exception) -> None:
    world.trail.record([EVENT])
    with pytest.raises(type(failure)), world.trail.writing([EVENT]):
        raise failure
    world.trail.record([EVENT])
    check_chain(world.log.entries)


def test_a_block_that_ends_moves_the_chain_on(world: World) -> None:
    with world.trail.writing([EVENT, EVENT]) as entries:
        world.log.append(entries)
    world.trail.record([EVENT])
    check_chain(world.log.entries)


@pytest.mark.parametrize("writes_anyway", [True, False], ids=["written", "not-written"])
def test_a_write_of_unknown_outcome_begins_a_new_chain(world: World, *, writes_anyway: bool) -> None:
    world.trail.record([EVENT])
    world.log.failure, world.log.writes_anyway = StoreUnavailable("no answer"), writes_anyway
    with pytest.raises(AuditUnavailable):
        world.trail.record([EVENT])
    world.log.failure = None
    world.trail.record([EVENT])
    *before, after = world.log.entries
    check_chain(before)
    check_chain([after])
    assert after.chain != before[0].chain


@pytest.mark.parametrize("failure", [RuntimeError("unforeseen"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_any_other_failure_begins_a_new_chain(world: World, failure: BaseException) -> None:
    world.trail.record([EVENT])
    with pytest.raises(type(failure)), world.trail.writing([EVENT]):
        raise failure
    world.trail.record([EVENT])
    check_chain(world.log.entries[1:])


@pytest.mark.parametrize("failure", [StoreUnavailable("no answer"), Contended("changed")], ids=["store", "contended"])
def test_an_entry_that_cannot_be_written_is_audit_unavailable(world: World, failure: Exception) -> None:
    world.log.failure = failure
    with pytest.raises(AuditUnavailable):
        world.trail.record([EVENT])


def test_without_the_audit_key_nothing_is_written(world: World) -> None:
    world.kms.disabled = set(KeyUse)
    with pytest.raises(AuditUnavailable), world.trail.writing([EVENT]):
        pytest.fail("the block must not run")
    assert world.log.entries == []


def test_without_the_key_ring_table_nothing_is_written(world: World) -> None:
    world.store.is_reachable = False
    world.clock.advance(timedelta(days=1))
    with pytest.raises(AuditUnavailable):
        world.trail.record([EVENT])
    assert world.log.entries == []


def test_a_missing_key_does_not_end_the_chain(world: World) -> None:
    world.trail.record([EVENT])
    world.kms.disabled = set(KeyUse)
    world.clock.advance(timedelta(days=1))
    with pytest.raises(AuditUnavailable):
        world.trail.record([EVENT])
    world.kms.disabled = set()
    world.ring.begin_call()
    world.trail.record([EVENT])
    check_chain(world.log.entries)


def test_threads_write_one_chain(world: World) -> None:
    def write() -> None:
        for _ in range(20):
            world.trail.record([EVENT])

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(world.log.entries) == 160
    check_chain(world.log.entries)
