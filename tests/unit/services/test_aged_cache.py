"""A cache bounded in age and number, with one load in flight."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from phone_vault.services.aged_cache import AgedCache
from tests.fakes import ManualClock

MAX_AGE = timedelta(seconds=300)
MICROSECOND = timedelta(microseconds=1)
PATIENCE_SECONDS = 5


class Source:
    """Values that tell how often they were loaded; it fails while `failure` is set."""

    def __init__(self) -> None:
        self.loads: list[str] = []
        self.failure: Exception | None = None

    def load(self, key: str) -> Callable[[], str]:
        """As a cache wants it."""

        def load() -> str:
            self.loads.append(key)
            if self.failure is not None:
                raise self.failure
            return f"{key}/{len(self.loads)}"

        return load


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def hits() -> list[None]:
    """One for each hit."""
    return []


@pytest.fixture
def cache(clock: ManualClock, hits: list[None]) -> AgedCache[str, str]:
    return AgedCache(clock, MAX_AGE, 2, on_hit=lambda: hits.append(None))


def test_a_value_is_loaded_once(cache: AgedCache[str, str], source: Source) -> None:
    assert [cache.get("a", source.load("a")) for _ in range(3)] == ["a/1"] * 3


def test_a_hit_is_counted_and_a_load_is_not(cache: AgedCache[str, str], source: Source, hits: list[None]) -> None:
    for _ in range(3):
        cache.get("a", source.load("a"))
    assert len(hits) == 2


def test_keys_have_values_of_their_own(cache: AgedCache[str, str], source: Source) -> None:
    assert [cache.get(key, source.load(key)) for key in "abab"] == ["a/1", "b/2", "a/1", "b/2"]


def test_a_value_is_served_one_microsecond_before_its_age(
    cache: AgedCache[str, str], source: Source, clock: ManualClock
) -> None:
    cache.get("a", source.load("a"))
    clock.advance(MAX_AGE - MICROSECOND)
    assert cache.get("a", source.load("a")) == "a/1"


def test_a_value_is_not_served_at_its_age(cache: AgedCache[str, str], source: Source, clock: ManualClock) -> None:
    cache.get("a", source.load("a"))
    clock.advance(MAX_AGE)
    assert cache.get("a", source.load("a")) == "a/2"


def test_a_hit_does_not_make_a_value_younger(cache: AgedCache[str, str], source: Source, clock: ManualClock) -> None:
    cache.get("a", source.load("a"))
    clock.advance(MAX_AGE / 2)
    cache.get("a", source.load("a"))
    clock.advance(MAX_AGE / 2)
    assert cache.get("a", source.load("a")) == "a/2"


def test_age_counts_from_before_the_load(cache: AgedCache[str, str], source: Source, clock: ManualClock) -> None:
    def slow() -> str:
        clock.advance(MAX_AGE / 2)
        return "slow"

    cache.get("a", slow)
    clock.advance(MAX_AGE / 2)
    assert cache.get("a", source.load("a")) == "a/1"


def test_a_clock_set_back_makes_a_value_stale(cache: AgedCache[str, str], source: Source, clock: ManualClock) -> None:
    cache.get("a", source.load("a"))
    clock.advance(-MICROSECOND)
    assert cache.get("a", source.load("a")) == "a/2"


def test_of_more_than_the_capacity_the_least_recently_used_goes(cache: AgedCache[str, str], source: Source) -> None:
    for key in "abac":
        cache.get(key, source.load(key))
    assert cache.get("a", source.load("a")) == "a/1"
    assert cache.get("b", source.load("b")) == "b/4"


def test_a_failing_load_is_the_caller_s_failure(cache: AgedCache[str, str], source: Source) -> None:
    source.failure = LookupError("no value")
    with pytest.raises(LookupError, match="no value"):
        cache.get("a", source.load("a"))


def test_a_failing_load_is_not_remembered(cache: AgedCache[str, str], source: Source) -> None:
    source.failure = LookupError("no value")
    with pytest.raises(LookupError):
        cache.get("a", source.load("a"))
    source.failure = None
    assert cache.get("a", source.load("a")) == "a/2"


def test_a_failing_load_does_not_bring_back_what_has_aged(
    cache: AgedCache[str, str], source: Source, clock: ManualClock
) -> None:
    cache.get("a", source.load("a"))
    clock.advance(MAX_AGE)
    source.failure = LookupError("no value")
    with pytest.raises(LookupError):
        cache.get("a", source.load("a"))


def test_at_an_age_of_zero_every_call_loads(clock: ManualClock, source: Source) -> None:
    cache: AgedCache[str, str] = AgedCache(clock, timedelta(0), 2, on_hit=lambda: None)
    assert [cache.get("a", source.load("a")) for _ in range(3)] == ["a/1", "a/2", "a/3"]


def test_a_dropped_value_is_loaded_again(cache: AgedCache[str, str], source: Source) -> None:
    cache.get("a", source.load("a"))
    cache.drop("a")
    assert cache.get("a", source.load("a")) == "a/2"


def test_dropping_what_is_not_there_is_nothing(cache: AgedCache[str, str]) -> None:
    cache.drop("a")


def test_a_value_that_is_false_is_remembered(clock: ManualClock) -> None:
    loads: list[None] = []
    cache: AgedCache[str, tuple[()]] = AgedCache(clock, MAX_AGE, 2, on_hit=lambda: None)

    def load() -> tuple[()]:
        loads.append(None)
        return ()

    for _ in range(3):
        cache.get("a", load)
    assert len(loads) == 1


def test_callers_of_one_key_at_once_wait_for_one_load(cache: AgedCache[str, str], source: Source) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert go_on.wait(PATIENCE_SECONDS)
        return source.load("a")()

    found: list[str] = []
    callers = [threading.Thread(target=lambda: found.append(cache.get("a", slow))) for _ in range(8)]
    for caller in callers:
        caller.start()
    assert begun.wait(PATIENCE_SECONDS)
    go_on.set()
    for caller in callers:
        caller.join(PATIENCE_SECONDS)
    assert found == ["a/1"] * 8


def test_a_failing_load_leaves_the_next_waiting_caller_to_try(cache: AgedCache[str, str]) -> None:
    begun, go_on = threading.Event(), threading.Event()
    found: list[str] = []

    def failing() -> str:
        begun.set()
        assert go_on.wait(PATIENCE_SECONDS)
        raise LookupError("no value")

    def fail() -> None:
        with pytest.raises(LookupError):
            cache.get("a", failing)

    first = threading.Thread(target=fail)
    first.start()
    assert begun.wait(PATIENCE_SECONDS)
    second = threading.Thread(target=lambda: found.append(cache.get("a", lambda: "loaded")))
    second.start()
    go_on.set()
    first.join(PATIENCE_SECONDS)
    second.join(PATIENCE_SECONDS)
    assert found == ["loaded"]


def test_a_hit_does_not_wait_for_another_key_s_load(cache: AgedCache[str, str], source: Source) -> None:
    cache.get("a", source.load("a"))
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert go_on.wait(PATIENCE_SECONDS)
        return "slow"

    other = threading.Thread(target=lambda: cache.get("b", slow))
    other.start()
    assert begun.wait(PATIENCE_SECONDS)
    assert cache.get("a", source.load("a")) == "a/1"
    go_on.set()
    other.join(PATIENCE_SECONDS)
