"""Applications never notice what becomes of the keys: whatever happens, in whatever order, by however many at once."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from phone_vault.domain.errors import TamperedStore
from phone_vault.domain.keys import KeyState, KeyUse, RotationReason
from phone_vault.domain.rotation import LONGEST_FUNCTION, ROTATED, Step
from phone_vault.services.advance_rotation import AdvanceRotation
from phone_vault.services.rotate_keys import RotateKeys
from tests.property.life.actors import WORKERS, Actors
from tests.property.life.execution import Execution
from tests.property.life.faults import DELAYS, FAULTS, Fault
from tests.property.life.oracle import NUMBERS, PURPOSES
from tests.property.life.vault import SHARDS, TENANT, WAITING_PERIOD

SUBJECTS = ("s-1", "s-2", "s-3")

EXAMPLES = int(os.environ.get("KEY_LIFE_EXAMPLES", "0"))
"""So many by chance, where the environment asks for them: KEY_LIFE_EXAMPLES=2000 takes half an hour. Else few, and
always the same."""
MOST_STATES = 200
KEYS_HAVE_CHANGED = ("RotateKeys", "Settle", "Close", Step.SWEEP)

instances = st.integers(0, 3)
workers = st.integers(0, WORKERS - 1)
shards = st.integers(0, SHARDS - 1)
subjects = st.sampled_from(SUBJECTS)
numbers = st.integers(0, len(NUMBERS) - 1)
purposes = st.sets(st.sampled_from(PURPOSES), min_size=1)
uses = st.sampled_from(["branch", "index"])
reasons = st.sampled_from(list(map(str, RotationReason)))
stops = st.integers(1, 8)
chances = st.sampled_from([False, False, False, True])
new_keys = st.fixed_dictionaries({"reason": reasons}, optional={"use": uses})
rotations = st.fixed_dictionaries(
    {"re_encrypt": chances, "reason": reasons, "rotate": st.sampled_from(["due", "due", "none"])},
    optional={"use": uses},
)


class KeyLifeCycle(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.actors = Actors()
        self._chance = ExitStack()
        self._chance.enter_context(reproducible())

    def teardown(self) -> None:
        try:
            self.actors.wait(timedelta(seconds=60), stragglers=False)
            self.actors.check()
        finally:
            self.actors.close()
            self._chance.close()

    @initialize(of=rotations, states=st.integers(0, 90))
    def some_way_into_a_rotation(self, of: dict[str, Any], states: int) -> None:
        for at, subject in enumerate(SUBJECTS):
            self.actors.protect(at, subject, at, {PURPOSES[0]})
            self.actors.encrypt(at, subject, at, PURPOSES[0])
        self._go_on(self.actors.start_rotation(of), states, 0)

    @invariant()
    def nothing_is_lost_doubled_or_out_of_reach(self) -> None:
        self.actors.oracle.check_tables(self.actors.now)

    @rule(at=instances, subject=subjects, number=numbers, of=purposes)
    def protect(self, at: int, subject: str, number: int, of: set[str]) -> None:
        self.actors.protect(at, subject, number, of)

    @rule(at=instances, subject=subjects, number=numbers, purpose=st.sampled_from(PURPOSES))
    def encrypt(self, at: int, subject: str, number: int, purpose: str) -> None:
        self.actors.encrypt(at, subject, number, purpose)

    @rule(at=instances, subject=subjects, number=numbers, of=purposes, stops_at=stops, dies=chances)
    def begin_to_protect(self, at: int, subject: str, number: int, of: set[str], stops_at: int, *, dies: bool) -> None:
        self.actors.launch_protect(at, subject, number, of, stops_at, dies=dies)

    @rule(
        at=instances, subject=subjects, number=numbers, purpose=st.sampled_from(PURPOSES), stops_at=stops, dies=chances
    )
    def begin_to_encrypt(self, at: int, subject: str, number: int, purpose: str, stops_at: int, *, dies: bool) -> None:
        self.actors.launch_encrypt(at, subject, number, purpose, stops_at, dies=dies)

    @rule(at=instances, number=numbers, stops_at=stops)
    def begin_to_look_up(self, at: int, number: int, stops_at: int) -> None:
        self.actors.launch_lookup(at, number, stops_at)

    @precondition(lambda self: self.actors.flights)
    @rule(at=st.integers(0, 9))
    def land(self, at: int) -> None:
        self.actors.land(at)

    @rule()
    def ask_everybody(self) -> None:
        self.actors.check()

    @rule(at=instances)
    def expire(self, at: int) -> None:
        self.actors.expire(at)

    @precondition(lambda self: self.actors.is_young)
    @rule(of=new_keys)
    def rotate(self, of: dict[str, str]) -> None:
        self.actors.call(RotateKeys, {"tenant_id": TENANT, **of})

    @precondition(lambda self: self.actors.is_young)
    @rule(of=new_keys, stops_at=st.integers(1, 12), dies=chances)
    def begin_to_rotate(self, of: dict[str, str], stops_at: int, *, dies: bool) -> None:
        self.actors.launch_job(RotateKeys, {"tenant_id": TENANT, **of}, stops_at, dies=dies)

    @precondition(lambda self: len(self.actors.executions) < 2)
    @rule(of=rotations)
    def start_rotation(self, of: dict[str, Any]) -> None:
        self.actors.start_rotation(of)

    @precondition(lambda self: self.actors.executions)
    @rule(which=st.integers(0, 1), states=st.integers(1, 60), worker=workers)
    def go_on(self, which: int, states: int, worker: int) -> None:
        self._go_on(self.actors.executions[which % len(self.actors.executions)], states, worker)

    @precondition(lambda self: self.actors.executions)
    @rule(which=st.integers(0, 1), worker=workers)
    def go_on_to_the_end(self, which: int, worker: int) -> None:
        self._go_on(self.actors.executions[which % len(self.actors.executions)], MOST_STATES, worker)

    @rule(at=workers, step=st.sampled_from(Step), shard=shards)
    def work_out_of_turn(self, at: int, step: Step, shard: int) -> None:
        self.actors.work(at, step, shard)

    @rule(at=workers, step=st.sampled_from(Step), shard=shards, stops_at=stops, dies=chances)
    def begin_to_work(self, at: int, step: Step, shard: int, stops_at: int, *, dies: bool) -> None:
        self.actors.launch_work(at, step, shard, stops_at, dies=dies)

    @rule(step=st.sampled_from(["settle", "close", "finish"]))
    def advance_out_of_turn(self, step: str) -> None:
        self.actors.advance(step)

    @rule(step=st.sampled_from(["settle", "close", "finish"]), stops_at=stops, dies=chances)
    def begin_to_advance(self, step: str, stops_at: int, *, dies: bool) -> None:
        run = self.actors.vault.run()
        if run is not None:
            self.actors.launch_job(AdvanceRotation, {"step": step, "run_id": run.run_id}, stops_at, dies=dies)

    @rule(use=st.sampled_from([KeyUse.BRANCH, KeyUse.INDEX]), version=st.integers(1, 4), destroy=st.booleans())
    def retire(self, use: KeyUse, version: int, *, destroy: bool) -> None:
        self.actors.retire(use, version, destroy=destroy)

    @rule(seconds=st.sampled_from([0.3, 1, 29, 59, 60, 240, 299, 300, 301, 359, 360, 361]), stragglers=st.booleans())
    def wait(self, seconds: float, *, stragglers: bool) -> None:
        self.actors.wait(timedelta(seconds=seconds), stragglers=stragglers)

    @rule()
    def wait_for_days(self) -> None:
        self.actors.wait(timedelta(days=8), stragglers=True)

    @rule(calls=st.integers(0, 9), kills=st.booleans())
    def trouble(self, calls: int, *, kills: bool) -> None:
        self.actors.trouble(calls, kills=kills)

    def _go_on(self, execution: Execution, states: int, worker: int) -> None:
        for at in range(states):
            before = execution.state
            self.actors.go_on(execution, worker + at)
            if execution.state != before and execution.state in KEYS_HAVE_CHANGED:
                self.actors.newcomer()
            if execution.has_ended:
                self.actors.executions.remove(execution)
                break


TestKeyLifeCycle = KeyLifeCycle.TestCase
TestKeyLifeCycle.settings = settings(
    settings.get_profile("reproducible"),
    max_examples=EXAMPLES or 15,
    stateful_step_count=40,
    derandomize=not EXAMPLES,
)


LIFE: tuple[dict[str, Any], ...] = (
    {"use": "branch", "re_encrypt": True},
    {"use": "index"},
    {"reason": "compromise"},
)


def a_whole_life(actors: Actors) -> None:
    """Three Rotations one after the other, with everybody about, and the end of the first versions."""
    for at, subject in enumerate(SUBJECTS):
        actors.protect(at, subject, at % len(NUMBERS), {PURPOSES[at % 2]})
        actors.encrypt(at, subject, 0, PURPOSES[at % 2])
    for asked in LIFE:
        execution = actors.start_rotation(asked)
        state = execution.state
        while not execution.has_ended:
            actors.go_on(execution, 0)
            actors.oracle.check_tables(actors.now)
            if execution.state == state:
                continue
            state = execution.state
            if state in (*KEYS_HAVE_CHANGED, "WaitForCaches", "WaitForReaders"):
                actors.newcomer()
        actors.wait(WAITING_PERIOD, stragglers=True)
        actors.check()


def the_end_of_the_first_versions(actors: Actors) -> None:
    """Destroyed, when the waiting period is over."""
    a_whole_life(actors)
    for use in ROTATED:
        answer = actors.retire(use, 1, destroy=True)
        assert answer is not None
        assert answer.get("state") == KeyState.DESTROYED, answer
    actors.check()


def a_long_call(actors: Actors) -> None:
    """RotateKeys takes as long as it may while a Rotation begins and ends."""
    actors.protect(0, SUBJECTS[0], 0, {PURPOSES[0]})
    request = {"tenant_id": TENANT, "use": "branch"}
    actors.launch_job(RotateKeys, request, "kms.unwrap")
    execution = actors.start_rotation({"rotate": "none"})
    while not execution.has_ended:
        actors.go_on(execution, 0)
        actors.oracle.check_tables(actors.now)
    actors.wait(LONGEST_FUNCTION, stragglers=True)
    actors.check()


def slow_workers(actors: Actors) -> None:
    """They are about to write what they read, while others re-wrap and re-encrypt the same records."""
    for at, subject in enumerate(SUBJECTS):
        actors.protect(at, subject, at % len(NUMBERS), {PURPOSES[0]})
    execution = actors.start_rotation({"use": "branch", "re_encrypt": True})
    while execution.state != "WaitForCaches":
        actors.go_on(execution, 0)
    for shard in range(SHARDS):
        actors.launch_work(1 + shard, Step.REWRAP, shard, "wrapped.rewrap")
    assert len(actors.flights) == SHARDS
    while not execution.has_ended:
        actors.go_on(execution, 0)
    actors.wait(LONGEST_FUNCTION, stragglers=False)
    actors.check()


SCENARIOS = (a_long_call, slow_workers, a_whole_life)


def play(*scenarios: Callable[[Actors], None]) -> None:
    """Each in a vault of its own."""
    for scenario in scenarios:
        actors = Actors()
        try:
            with reproducible():
                scenario(actors)
        finally:
            actors.close()


@pytest.mark.parametrize(
    "scenario", [a_long_call, slow_workers, the_end_of_the_first_versions], ids=lambda scenario: scenario.__name__
)
def test_a_vault_lives(scenario: Callable[[Actors], None]) -> None:
    play(scenario)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_answers_of_a_broken_protocol_are_found_out(fault: Fault) -> None:
    with fault(), patch.object(Actors, "check_finished"), pytest.raises((AssertionError, TamperedStore)):
        play(*SCENARIOS)


@pytest.mark.parametrize("delay", DELAYS.values(), ids=DELAYS)
def test_a_rotation_that_retires_nothing_is_found_out(delay: Fault) -> None:
    with delay(), pytest.raises(AssertionError, match="'retired'"):
        play(*SCENARIOS)


@pytest.mark.parametrize("delay", DELAYS.values(), ids=DELAYS)
def test_what_only_delays_a_rotation_makes_no_answer_wrong(delay: Fault) -> None:
    with delay(), patch.object(Actors, "check_finished"):
        play(a_whole_life)


@contextmanager
def reproducible() -> Iterator[None]:
    """Keys and tokens, by which records fall into shards and pages, are the same in every run."""
    chance = random.Random(1)

    def token() -> str:
        return "tok_" + "".join(chance.choices("0123456789abcdefghijklmnopqrstuvwxyz", k=25))

    with (
        patch("phone_vault.crypto.numbers.os", SimpleNamespace(urandom=chance.randbytes)),
        patch("phone_vault.services.protect.new_token", token),
    ):
        yield
