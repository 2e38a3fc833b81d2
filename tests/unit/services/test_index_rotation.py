"""Two versions of the index at once, for instances that know of it and instances that do not yet."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from phone_vault.domain.keys import KeyState, KeyUse
from phone_vault.domain.numbering import RELEASE
from phone_vault.domain.phone import PhoneNumber
from phone_vault.domain.rotation import Progress, Step
from phone_vault.services.index_positions import blind_indexes, bound_to
from tests.fakes import MemoryTables
from tests.unit.samples import AMERICAN, BRITISH
from tests.unit.services.jobs import SHARDS, Jobs
from tests.unit.services.world import World

WAIT = timedelta(minutes=6)
PHASES = ("pending", "filled", "active", "closed", "swept", "retired")


class Vault:
    """One KMS and one DynamoDB; the phases of a rotation of `acme`'s index, and instances as old as a test wants."""

    def __init__(self) -> None:
        self.jobs = Jobs()
        self.tables = MemoryTables()
        self.known: dict[str, PhoneNumber] = {}
        self.run_id = ""

    def instance(self) -> World:
        """A cold one of each function."""
        jobs = self.jobs
        return World(clock=jobs.clock, log=jobs.log, kms=jobs.kms, key_ring_store=jobs.store, tables=self.tables)

    def warm(self) -> World:
        """One that has read the key ring as it is now."""
        world = self.instance()
        stored = self.protect(world, "warm-up", BRITISH)
        assert self.lookup(world, BRITISH)
        assert self.verify(world, stored["token"], BRITISH)
        encrypted(world)
        return world

    def protect(self, world: World, subject: str, number: PhoneNumber, **more: Any) -> dict[str, Any]:
        """As an application does."""
        answer = world.call(
            "Protect",
            {
                "tenant_id": "acme",
                "subject_id": subject,
                "number": number.disclose(),
                "purposes": {"delivery": {}},
                **more,
            },
        )
        assert "token" in answer, answer
        self.known[answer["token"]] = number
        return answer

    @staticmethod
    def lookup(world: World, number: PhoneNumber) -> list[str]:
        """Which subjects have it."""
        request = {"tenant_id": "acme", "number": number.disclose(), "purpose": "delivery"}
        return sorted(match["subject_id"] for match in world.call("Lookup", request)["matches"])

    @staticmethod
    def verify(world: World, token: str, number: PhoneNumber) -> bool:
        """Whether it stands for the number."""
        request = {"tenant_id": "acme", "token": token, "number": number.disclose(), "purpose": "delivery"}
        match = world.call("Verify", request)["match"]
        assert isinstance(match, bool)
        return match

    def phases(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Each with the act that begins it; before each, the waits that the protocol keeps are over."""
        yield "pending", self._rotated
        self.jobs.clock.advance(WAIT)
        yield "filled", self._fill
        self._count(Step.FIRST_CENSUS)
        yield "active", lambda: self._step("settle")
        self.jobs.clock.advance(WAIT)
        yield "closed", lambda: self._step("close")
        self.jobs.clock.advance(WAIT)
        yield "swept", self._sweep
        self._count(Step.LAST_CENSUS)
        yield "retired", lambda: self._step("finish")

    def _rotated(self) -> None:
        self.jobs.rotate(use="index", tenant_id="acme")
        self.run_id = self.jobs.advance("begin")["run_id"]

    def _step(self, step: str) -> None:
        self.jobs.advance(step, run_id=self.run_id)

    def _fill(self) -> None:
        """What re-indexing does, which knows the numbers by decrypting them."""
        keys = {version: key for version, key in self.jobs.key_ring().index_keys("acme").items() if version == 2}
        for record_id, record in list(self.tables.records.items()):
            if 2 not in record.index_positions:
                indexes = blind_indexes(keys, "acme", self.known[record_id.token])
                positions = {**record.index_positions, **bound_to(record, keys, indexes, RELEASE)}
                self.tables.write(record, index_positions=positions)
                self.tables.index.update(
                    dict.fromkeys(self.tables.places(self.tables.records[record_id], [2]), record.token)
                )

    def _sweep(self) -> None:
        """What the sweep does."""
        for record in list(self.tables.records.values()):
            if 1 in record.index_positions:
                for place in list(self.tables.places(record, [1])):
                    del self.tables.index[place]
                kept = {version: each for version, each in record.index_positions.items() if version != 1}
                self.tables.write(record, index_positions=kept)

    def _count(self, step: Step) -> None:
        """What a census counts now."""
        counts: dict[str, int] = {}
        for record in self.tables.records.values():
            for name in ("indexed", *(f"index/{version}" for version in record.index_positions)):
                counts[f"acme/{name}"] = counts.get(f"acme/{name}", 0) + 1
        for shard in range(SHARDS):
            counted = {} if shard else counts
            progress = Progress(self.run_id, step, shard, self.jobs.clock.now(), done=True, counts=counted)
            self.jobs.runs.save_progress(progress)


def encrypted(world: World) -> dict[str, Any]:
    """A message of the subject."""
    request = {"tenant_id": "acme", "subject_id": "s", "number": BRITISH.disclose(), "purpose": "delivery"}
    return world.call("Encrypt", request)


def in_phase(phase: str) -> tuple[Vault, World, World]:
    """A vault in which the phase has just begun, an instance that does not know that yet, and one that does."""
    vault = Vault()
    first = vault.instance()
    vault.protect(first, "early", BRITISH)
    for name, begin in vault.phases():
        stale = vault.warm()
        begin()
        if name == phase:
            return vault, stale, vault.instance()
    raise AssertionError(phase)


class Scene(NamedTuple):
    """A vault in a phase, and two callers' instances in it: each stale or fresh."""

    vault: Vault
    one: World
    other: World


@pytest.fixture(params=[*itertools.product(PHASES, ("stale", "fresh"), ("stale", "fresh"))], ids="-".join)
def scene(request: pytest.FixtureRequest) -> Scene:
    """Every phase, whoever comes first and whoever comes second."""
    phase, one, other = request.param
    vault, stale, fresh = in_phase(phase)
    instances = {"stale": stale, "fresh": fresh}
    return Scene(vault, instances[one], instances[other])


def test_a_number_stored_before_is_found_once(scene: Scene) -> None:
    assert scene.vault.lookup(scene.one, BRITISH) == ["early", "warm-up"]


def test_a_number_stored_now_is_found_once(scene: Scene) -> None:
    scene.vault.protect(scene.one, "late", AMERICAN)
    assert scene.vault.lookup(scene.other, AMERICAN) == ["late"]


def test_a_number_that_others_have_too_is_found_for_all_of_them(scene: Scene) -> None:
    scene.vault.protect(scene.one, "late", BRITISH)
    assert scene.vault.lookup(scene.other, BRITISH) == ["early", "late", "warm-up"]


def test_protecting_a_number_of_before_again_gives_its_token(scene: Scene) -> None:
    answers = [scene.vault.protect(each, "early", BRITISH) for each in (scene.one, scene.other)]
    assert [answer["created"] for answer in answers] == [False, False]
    assert answers[0]["token"] == answers[1]["token"]


def test_protecting_a_new_number_twice_stores_it_once(scene: Scene) -> None:
    first = scene.vault.protect(scene.one, "late", AMERICAN)
    second = scene.vault.protect(scene.other, "late", AMERICAN)
    assert (first["created"], second["created"], first["token"]) == (True, False, second["token"])


def test_an_idempotency_key_leads_to_the_same_record(scene: Scene) -> None:
    first = scene.vault.protect(scene.one, "late", AMERICAN, idempotency_key="k")
    second = scene.vault.protect(scene.other, "late", AMERICAN, idempotency_key="k")
    assert (second["created"], first["token"]) == (False, second["token"])


def test_an_idempotency_key_is_refused_for_another_number(scene: Scene) -> None:
    scene.vault.protect(scene.one, "late", AMERICAN, idempotency_key="k")
    request = {"tenant_id": "acme", "subject_id": "late", "number": BRITISH.disclose(), "purposes": {"delivery": {}}}
    assert scene.other.problem("Protect", {**request, "idempotency_key": "k"}) == "conflict"


def test_numbers_are_verified(scene: Scene) -> None:
    late = scene.vault.protect(scene.one, "late", AMERICAN)["token"]
    early = scene.vault.protect(scene.one, "early", BRITISH)["token"]
    asked = [(late, AMERICAN), (late, BRITISH), (early, BRITISH), (early, AMERICAN)]
    answers = [scene.vault.verify(scene.other, token, number) for token, number in asked]
    assert answers == [True, False, True, False]


def test_messages_are_made_and_read(scene: Scene) -> None:
    message = encrypted(scene.one)["message"]
    request = {"tenant_id": "acme", "subject_id": "s", "message": message, "purpose": "delivery"}
    assert scene.other.call("Decrypt", request)["number"] == BRITISH.disclose()


def test_at_the_end_everything_stands_in_the_new_version_alone() -> None:
    vault, *_ = in_phase("retired")
    assert vault.jobs.states("acme", KeyUse.INDEX) == {1: KeyState.RETIRED, 2: KeyState.ACTIVE}
    assert {version for record in vault.tables.records.values() for version in record.index_positions} == {2}
    assert {place.version for place in vault.tables.index} == {2}


class TestWithoutTheWaits:
    """What the waits are for: each of these would be wrong answers, and shows that the tests above would notice."""

    def test_a_number_of_a_stale_writer_lacks_the_pending_version(self) -> None:
        vault, stale, fresh = in_phase("pending")
        vault.protect(stale, "late", AMERICAN)
        move(vault, 1, KeyState.DECRYPT_ONLY)
        move(vault, 2, KeyState.ACTIVE)
        assert vault.lookup(fresh, AMERICAN) == []

    def test_a_number_of_a_fresh_writer_is_missed_by_a_stale_reader_of_a_closed_version(self) -> None:
        vault, stale, _ = in_phase("active")
        move(vault, 1, KeyState.CLOSED)
        vault.protect(vault.instance(), "late", AMERICAN)
        assert vault.lookup(stale, AMERICAN) == []

    def test_a_stale_writer_s_number_is_stored_twice_without_a_version_in_common(self) -> None:
        vault, stale, _ = in_phase("pending")
        move(vault, 1, KeyState.CLOSED)
        move(vault, 2, KeyState.ACTIVE)
        tokens = {vault.protect(each, "late", AMERICAN)["token"] for each in (stale, vault.instance())}
        assert len(tokens) == 2


def move(vault: Vault, version: int, state: KeyState) -> None:
    """What no job does."""
    vault.jobs.store.overwrite(replace(vault.jobs.version("acme", KeyUse.INDEX, version), state=state))
