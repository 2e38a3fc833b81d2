"""Erasures of subjects that were stopped, and that a purge brings to their end."""

from datetime import timedelta

import pytest

from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.subject import Subject, SubjectId
from tests.unit.services.purge_world import PurgeWorld, subject
from tests.unit.services.rights_world import NUMBERS, SUBJECT, problem_of

ERASE = {"subject_id": SUBJECT, "reason": "asked"}
RELEASE = {"subject_id": SUBJECT, "action": "release", "case_id": "case 7"}
PLACE = {**RELEASE, "action": "place", "reason": "court order"}
CALLS = range(1, 40)
DAY = timedelta(days=1)


@pytest.fixture
def world() -> PurgeWorld:
    return PurgeWorld()


def shredded(count: int = 1) -> PurgeWorld:
    """Erase was killed when so many numbers of two had lost their keys, and none was closed."""
    for calls in CALLS:
        world = PurgeWorld()
        for number in NUMBERS[:2]:
            world.stored(number)
        world.clock.advance(DAY)
        if world.killed_after(calls, "Erase", ERASE) and len(world.tables.tombstones) == count:
            return world
    raise AssertionError("it is never killed there")


def takes_numbers(world: PurgeWorld) -> bool:
    """Whether the subject does."""
    return problem_of(world.protected(NUMBERS[2], security={})) is None


def is_erasing(world: PurgeWorld) -> bool:
    """Whether the subject's row says so."""
    return world.subject().erasure is not None


def test_an_erasure_that_was_stopped_after_the_keys_were_destroyed_ends_with_the_purge() -> None:
    world = shredded(2)
    assert not takes_numbers(world)
    assert world.purge()["purged"] == 2
    assert not is_erasing(world)
    assert takes_numbers(world)


def test_the_trail_tells_of_the_end_and_whose_it_is() -> None:
    world = shredded(2)
    world.purge()
    (text,) = [each.text for each in world.log.entries if '"erasure-ended"' in each.text]
    assert world.subject().subject_id.subject_ref in text
    assert "PurgePage#" in text


def test_an_erasure_goes_on_while_a_number_of_the_subject_has_its_key() -> None:
    world = shredded(1)
    world.purge()
    assert is_erasing(world)
    assert not takes_numbers(world)


def test_an_erasure_that_was_stopped_before_a_key_was_destroyed_ends_when_all_is_due() -> None:
    world = shredded(1)
    world.purge()
    world.clock.advance(timedelta(days=90))
    assert world.purge()["purged"] == 1
    assert takes_numbers(world)


def test_a_release_that_was_stopped_anywhere_before_it_closed_what_it_destroyed_ends_with_the_purge() -> None:
    endings = set()
    for calls in CALLS:
        world = PurgeWorld()
        token = world.stored()
        world.call("Hold", PLACE)
        world.call("Erase", ERASE)
        world.clock.advance(DAY)
        world.killed_after(calls, "Hold", RELEASE)
        place = ("default", token)
        if world.lives(token) and world.standing(token).is_held:
            continue
        if not world.lives(token) and world.tables.tombstones[place].is_swept:
            continue
        endings.add(world.lives(token))
        world.clock.advance(2 * DAY)
        assert world.purge()["purged"] == 1
        assert not is_erasing(world)
    assert endings == {True, False}  # stopped before the key was destroyed, and after


@pytest.mark.parametrize("calls", range(1, 60))
def test_a_purge_that_was_stopped_anywhere_ends_the_erasure_when_it_is_run_again(calls: int) -> None:
    world = shredded(2)
    world.runs.first_day = world.clock.now().date()
    world.killed_in_purge(calls)
    world.purge()
    assert not is_erasing(world)


def test_a_subject_that_does_not_read_stops_no_other(world: PurgeWorld) -> None:
    for at in range(2):
        world.stored(purposes=("delivery",), subject=subject(at))
    world.clock.advance(timedelta(days=30))
    unreadable, _ = world.tables.members
    read = world.subjects.read

    def reading(subject_id: SubjectId) -> Subject:
        if subject_id == unreadable:
            raise TamperedStore("a row of Subjects does not read")
        return read(subject_id)

    world.subjects.read = reading  # type: ignore[method-assign]
    assert world.purge()["purged"] == 2
