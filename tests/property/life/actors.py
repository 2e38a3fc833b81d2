"""Everybody who uses the vault at once: warm, stale and busy instances, calls under way, workers, Rotations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from phone_vault.domain.errors import (
    AuditUnavailable,
    Conflict,
    KeyUnavailable,
    StoreUnavailable,
)
from phone_vault.domain.keys import KeyState, KeyUse
from phone_vault.domain.ports import Contended
from phone_vault.domain.rotation import LATEST_WRITE, LONGEST_FUNCTION, ROTATED, Step
from phone_vault.services import shard_worker
from phone_vault.services.advance_rotation import AdvanceRotation
from phone_vault.services.job import Job
from phone_vault.services.retire_keys import RetireKeys
from tests.fakes import Killed
from tests.property.life.execution import Answer, Execution
from tests.property.life.oracle import CALLER, NUMBERS, PURPOSES, Kept, Oracle
from tests.property.life.stage import Invocation
from tests.property.life.vault import MAX_AGE, TENANT, Functions, LifeVault, worker_of
from tests.unit.services.world import VERBS

COLD, WARM, LAZY, LATE = range(4)
"""The application's instances of each function: one that has read nothing; one that reads when what it has is too old;
one that then waits with reading until just before the keys change; and one that reads just before every change."""
WORKERS = 4
MOST_VERSIONS = 5
TICK = timedelta(seconds=1)
RETRIED = (AuditUnavailable, Contended, KeyUnavailable, StoreUnavailable, Killed)
"""What a state machine, or an application, tries again after."""
_VERBS = {verb.name: verb for verb in VERBS}


@dataclass
class Flight:
    """A call that has begun and not ended."""

    invocation: Invocation
    ends_at: datetime
    """When it does, unless it is let end before."""
    dies: bool
    """Whether it is killed then."""
    landed: Callable[[Any, BaseException | None], None]
    changes_keys: bool


class Actors:
    """All that may happen, each by a method; `close` ends what is still under way."""

    def __init__(self) -> None:
        self._one_page_a_call = patch.object(shard_worker, "PAGES_PER_CALL", 1)
        self._one_page_a_call.start()
        self.vault = LifeVault()
        self.oracle = Oracle(self.vault)
        self.instances = [self.vault.functions() for _ in range(4)]
        self.flights: list[Flight] = []
        self.executions: list[Execution] = []
        self.outputs: list[Mapping[str, Any]] = []
        self.worker = 0
        self._busy: set[tuple[int, str]] = set()
        self._workers = [dict[type[Job], Job]() for _ in range(WORKERS)]
        self._busy_workers: set[tuple[int, type[Job]]] = set()
        self._read_at: dict[int, datetime] = {}
        self._late_subjects = 0
        self._is_troubled = False
        self.undisturbed: Execution | None = None
        """The Rotation that nobody and nothing has got in the way of."""

    @property
    def now(self) -> datetime:
        """The time."""
        return self.vault.clock.now()

    @property
    def is_young(self) -> bool:
        """Whether the tenant has had few keys yet: more of them only take time."""
        return all(len(self.vault.versions(use)) < MOST_VERSIONS for use in ROTATED)

    def close(self) -> None:
        """Whatever is still under way is killed."""
        for flight in self.flights:
            flight.invocation.kill()
        self._one_page_a_call.stop()

    # Applications.

    def protect(self, at: int, subject: str, number: int, purposes: set[str]) -> None:
        """By an instance."""
        request = {"subject_id": subject, "number": NUMBERS[number], "purposes": {each: {} for each in purposes}}
        answer = self._ask(at, "Protect", request)
        self._protected(subject, NUMBERS[number], purposes, answer)

    def encrypt(self, at: int, subject: str, number: int, purpose: str) -> None:
        """By an instance."""
        request = {"subject_id": subject, "number": NUMBERS[number], "purpose": purpose}
        self._encrypted(request, self._ask(at, "Encrypt", request))

    def launch_protect(
        self, at: int, subject: str, number: int, purposes: set[str], stops_at: int | str, *, dies: bool = False
    ) -> None:
        """Begun by an instance, and ended later."""
        request = {"subject_id": subject, "number": NUMBERS[number], "purposes": {each: {} for each in purposes}}

        def landed(answer: Any, failure: BaseException | None) -> None:
            self._protected(subject, NUMBERS[number], purposes, None if failure else answer)

        self._launch(at, "Protect", request, stops_at, landed, dies=dies)

    def launch_encrypt(
        self, at: int, subject: str, number: int, purpose: str, stops_at: int | str, *, dies: bool = False
    ) -> None:
        """The same."""
        request = {"subject_id": subject, "number": NUMBERS[number], "purpose": purpose}

        def landed(answer: Any, failure: BaseException | None) -> None:
            self._encrypted(request, None if failure else answer)

        self._launch(at, "Encrypt", request, stops_at, landed, dies=dies)

    def launch_lookup(self, at: int, number: int, stops_at: int | str) -> None:
        """The same: what it finds is between what there was and what there is."""
        request = {"number": NUMBERS[number], "purpose": PURPOSES[0]}

        def known() -> set[str]:
            each_known = self.oracle.numbers.items()
            return {
                each.token for (_, of), each in each_known if of == NUMBERS[number] and PURPOSES[0] in each.purposes
            }

        before = known()

        def landed(answer: Any, failure: BaseException | None) -> None:
            if failure is None and "matches" in answer:
                found = [each["token"] for each in answer["matches"]]
                assert len(found) == len(set(found)), "a number is found twice under one token"
                assert before <= set(found) <= known(), "a number is missed"

        self._launch(at, "Lookup", request, stops_at, landed)

    def land(self, at: int) -> None:
        """One of the calls under way comes to its end."""
        self._land(self.flights[at % len(self.flights)])

    def check(self) -> None:
        """That every instance answers rightly."""
        self._end_trouble()
        for at in range(len(self.instances)):
            self.oracle.check_answers(self._free(at))
        self.oracle.check_tables(self.now)
        proven = self.oracle.proven_unused()
        for at in range(len(self.instances)):
            for name in ("Protect", "Encrypt"):
                function = self._free(at).get(name)
                if function is not None and self.vault.versions(KeyUse.BRANCH):
                    version, _ = function.key_ring.active_branch_key(TENANT)
                    assert version not in proven, "an instance wraps under a version that is proven unused"

    def newcomer(self) -> None:
        """A number that is stored by who knows the keys as they are now; and everybody is asked."""
        self._late_subjects += 1
        self.protect(COLD, f"new-{self._late_subjects}", self._late_subjects % len(NUMBERS), {PURPOSES[0]})
        self.check()

    def expire(self, at: int) -> None:
        """The caches of an instance have run out, or it is another one."""
        for function in self._free(at).values():
            function.key_ring.forget()

    # Keys.

    def retire(self, use: KeyUse, version: int, *, destroy: bool) -> Mapping[str, Any] | None:
        """RetireKeys."""
        request = {"tenant_id": TENANT, "use": str(use), "version": version, "destroy": destroy}
        return self.call(RetireKeys, request)

    def launch_job(
        self, kind: type[Job], request: Mapping[str, Any], stops_at: int | str, *, dies: bool = False
    ) -> None:
        """Begun now, and ended later."""
        self._about_to_change()
        job = self.vault.job(kind)
        invocation = Invocation(self.vault.stage, lambda: job(CALLER, request), stops_at)
        self._begin(invocation, dies, self._unanswered, is_job=True, changes_keys=True)

    def work(self, at: int, step: Step, shard: int) -> None:
        """A page of any step of the latest run, whether or not it is its turn."""
        run = self.vault.run()
        if run is not None:
            self.worker = at
            self.call(worker_of(step), {"run_id": run.run_id, "step": str(step), "shard": shard})

    def launch_work(self, at: int, step: Step, shard: int, stops_at: int | str, *, dies: bool = False) -> None:
        """The same, begun now and ended later."""
        run, kind = self.vault.run(), worker_of(step)
        if run is None or (at, kind) in self._busy_workers:
            return
        worker = self._workers[at].setdefault(kind, self.vault.job(kind))
        request = {"run_id": run.run_id, "step": str(step), "shard": shard}

        def landed(answer: Any, failure: BaseException | None) -> None:
            self._busy_workers.discard((at, kind))
            if isinstance(failure, Killed):
                self._workers[at].pop(kind, None)
            self._unanswered(answer, failure)

        self._busy_workers.add((at, kind))
        self._begin(Invocation(self.vault.stage, lambda: worker(CALLER, request), stops_at), dies, landed, is_job=True)

    def start_rotation(self, asked: Mapping[str, Any]) -> Execution:
        """The state machine; others that run are overtaken sooner or later."""
        is_alone = all(each.has_ended for each in self.executions)
        self.executions = [each for each in self.executions if not each.has_ended]
        execution = Execution(asked, self._call_for_machine, self._wait_for_machine)
        self.executions.append(execution)
        self.undisturbed = execution if is_alone and not self.flights else None
        return execution

    def go_on(self, execution: Execution, worker: int) -> None:
        """With the state machine, by one of the workers."""
        self.worker = worker
        execution.go_on()
        if execution.output is not None and execution is self.undisturbed:
            self.check_finished(execution)
            self.undisturbed = None

    def advance(self, step: str) -> None:
        """A step between the passes, whether or not it is its turn."""
        run = self.vault.run()
        if run is not None:
            self.call(AdvanceRotation, {"step": step, "run_id": run.run_id})

    def call(self, kind: type[Job], request: Mapping[str, Any]) -> Answer:
        """A job that nobody has ordered: not by the state machine's own plan."""
        self.undisturbed = None
        try:
            return self._call_for_machine(kind, request)
        except Conflict:
            return None

    # Time and trouble.

    def wait(self, delta: timedelta, *, stragglers: bool) -> None:
        """Calls under way end when they must. Stale instances go on to the last moment, with calls that end late."""
        until = self.now + delta
        while True:
            moments = [flight.ends_at for flight in self.flights]
            late = {}
            if stragglers:
                late = {
                    at: read_at + MAX_AGE - TICK
                    for at, read_at in self._read_at.items()
                    if self.now < read_at + MAX_AGE - TICK
                }
                moments += late.values()
            following = min((each for each in moments if each <= until), default=until)
            self.vault.clock.advance(max(following - self.now, timedelta()))
            for flight in [each for each in self.flights if each.ends_at <= self.now]:
                if flight.dies:
                    flight.invocation.kill()
                self._land(flight)
            for at in [at for at, moment in late.items() if moment == self.now]:
                self._straggle(at)
            if self.now >= until:
                return

    def trouble(self, calls: int, *, kills: bool) -> None:
        """At one of the next calls of ports, if whatever comes next makes so many."""
        self.undisturbed = None
        self._is_troubled = True
        if kills:
            self.vault.stage.kill_after(calls + 1)
        else:
            self.vault.stage.fail_after(calls)

    def _straggle(self, at: int) -> None:
        """Everything that writes, with keys that are as old as they may be, and written as late as it may be."""
        self._late_subjects += 1
        subject = f"late-{self._late_subjects}"
        self.launch_protect(at, subject, self._late_subjects % len(NUMBERS), {PURPOSES[0]}, "numbers.add")
        self.launch_encrypt(at, subject, 0, PURPOSES[0], "numbers.add_message_key")
        self.launch_lookup(at, (self._late_subjects + 1) % len(NUMBERS), "numbers.index_entries")

    def _ask(self, at: int, name: str, request: Mapping[str, Any]) -> Answer:
        """None if the instance is busy, or its answer is lost."""
        function = self._free(at).get(name)
        if function is None:
            return None
        with_trouble = self._is_troubled
        try:
            answer = function(CALLER, {"tenant_id": TENANT, **request})
        except Killed:
            self.instances[at][name] = self.vault.function(_VERBS[name])
            answer = None
        finally:
            self._end_trouble()
        if answer is not None and "problem" in answer:
            assert with_trouble, answer
            return None
        return answer

    def _free(self, at: int) -> Functions:
        """The instance's functions that are not busy."""
        at %= len(self.instances)
        free = {name: each for name, each in self.instances[at].items() if (at, name) not in self._busy}
        if at == COLD:
            for function in free.values():
                function.key_ring.forget()
        return free

    def _protected(self, subject: str, number: str, purposes: set[str], answer: Answer) -> None:
        if answer is None or "problem" in answer:
            self.oracle.adopt(subject, number, purposes)
        else:
            self.oracle.protected(subject, number, purposes, answer)

    def _encrypted(self, request: Mapping[str, Any], answer: Answer) -> None:
        if answer is not None and "message" in answer:
            kept = Kept(request["subject_id"], request["purpose"], request["number"], answer["message"])
            self.oracle.messages.append(kept)

    def _launch(
        self,
        at: int,
        name: str,
        request: Mapping[str, Any],
        stops_at: int | str,
        landed: Callable[[Any, BaseException | None], None],
        *,
        dies: bool = False,
    ) -> None:
        function = self._free(at).get(name)
        if function is None:
            return
        at %= len(self.instances)
        payload = {"tenant_id": TENANT, **request}

        def ended(answer: Any, failure: BaseException | None) -> None:
            self._busy.discard((at, name))
            if isinstance(failure, Killed):
                self.instances[at][name] = self.vault.function(_VERBS[name])
            elif failure is not None:
                raise failure
            landed(answer, failure)

        self._busy.add((at, name))
        self._begin(Invocation(self.vault.stage, lambda: function(CALLER, payload), stops_at), dies, ended)

    def _begin(
        self,
        invocation: Invocation,
        dies: bool,  # noqa: FBT001
        landed: Callable[[Any, BaseException | None], None],
        *,
        is_job: bool = False,
        changes_keys: bool = False,
    ) -> None:
        self._end_trouble()
        longest = LONGEST_FUNCTION if is_job else LONGEST_FUNCTION - LATEST_WRITE
        flight = Flight(invocation, self.now + longest, dies, landed, changes_keys)
        self.flights.append(flight)
        invocation.begin()
        if invocation.stopped_before is None:
            self._land(flight)
        elif changes_keys and invocation.stopped_before in ("store.add_keys", "store.change"):
            flight.ends_at = self.now + LATEST_WRITE

    def _land(self, flight: Flight) -> None:
        self.flights.remove(flight)
        if flight.changes_keys:
            self._about_to_change()
        if flight.invocation.stopped_before is not None:
            flight.invocation.end()
        self._end_trouble()
        flight.landed(flight.invocation.answer, flight.invocation.failure)

    def _unanswered(self, answer: Any, failure: BaseException | None) -> None:
        del answer
        if failure is not None and not isinstance(failure, (*RETRIED, Conflict)):
            raise failure

    def _call_for_machine(self, kind: type[Job], request: Mapping[str, Any]) -> Answer:
        if issubclass(kind, shard_worker.ShardWorker):
            at = next(
                each % WORKERS
                for each in range(self.worker, self.worker + WORKERS)
                if (each % WORKERS, kind) not in self._busy_workers or each == self.worker + WORKERS - 1
            )
            if (at, kind) in self._busy_workers:
                return None
            job = self._workers[at].setdefault(kind, self.vault.job(kind))
        else:
            at, job = 0, self.vault.job(kind)
            self._about_to_change()
        try:
            return job(CALLER, request)
        except RETRIED:
            self._workers[at].pop(kind, None)
            return None
        finally:
            self._end_trouble()

    def _wait_for_machine(self, delta: timedelta) -> None:
        self.wait(delta, stragglers=True)

    def _end_trouble(self) -> None:
        self._is_troubled = False
        self.vault.stage.end()

    def _about_to_change(self) -> None:
        """Keys may change in a moment: there are instances that have just read them as they are."""
        for at in (LAZY, LATE):
            read_at = self._read_at.get(at)
            if at == LATE or read_at is None or self.now >= read_at + MAX_AGE:
                free = self._free(at)
                if len(free) == len(self.instances[at]):
                    with self.vault.stage.unwatched():
                        for function in free.values():
                            function.key_ring.forget()
                            function.key_ring.knows(TENANT)
                    self._read_at[at] = self.now

    def check_finished(self, execution: Execution) -> None:
        """What an undisturbed Rotation has left."""
        output = execution.output
        assert output is not None
        assert output["failed"] == 0, output
        for use in (KeyUse.BRANCH, KeyUse.INDEX):
            *before, last = self.vault.states(use).values()
            assert last is KeyState.ACTIVE, f"{use}: {output}"
            assert all(state in (KeyState.RETIRED, KeyState.DESTROYED) for state in before), f"{use}: {output}"
