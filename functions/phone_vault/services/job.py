"""What all jobs have in common: who asked, a strict request, an audit entry, and fresh keys at each call."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from phone_vault.domain.audit import Event
from phone_vault.domain.callers import Caller
from phone_vault.domain.errors import AuditUnavailable, Fault, InvalidRequest, Refusal, ServiceFault
from phone_vault.domain.job_requests import JobReader
from phone_vault.domain.keys import KeyUse
from phone_vault.domain.moments import to_second
from phone_vault.domain.policy import VaultPolicy
from phone_vault.domain.ports import Clock
from phone_vault.domain.problems import PROBLEM_TYPES, problem_of
from phone_vault.domain.rotation import wait_of
from phone_vault.services.audit_trail import AuditTrail
from phone_vault.services.key_ring import KeyRing
from phone_vault.services.tally import Tally


@dataclass(frozen=True, slots=True)
class Desk:
    """What every job works with."""

    policy: VaultPolicy
    key_ring: KeyRing
    trail: AuditTrail
    clock: Clock
    tally: Tally

    @property
    def wait(self) -> timedelta:
        """After which no function uses a key ring that was read before."""
        return wait_of(self.policy)


class Job(ABC):
    """A function that a schedule, a state machine or an operator invokes; IAM alone says who may.

    What the caller can cause is answered as a problem.
    """

    name: ClassVar[str]
    mac_keys_from: ClassVar[KeyUse] = KeyUse.AUDIT

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @abstractmethod
    def perform(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """Read the request, do it, answer."""

    def __call__(self, caller: Caller, payload: object) -> dict[str, Any]:
        """The answer to a payload."""
        try:
            return self.run(caller, payload)
        except Refusal as refusal:
            self.note(Event("refused", caller, problem=PROBLEM_TYPES[type(refusal)].name))
            return {"problem": problem_of(refusal)}

    def run(self, caller: Caller, payload: object) -> dict[str, Any]:
        """The answer; raises what refuses it."""
        now = to_second(self.desk.clock.now())
        # What other functions do to keys meanwhile is what a job is about: nothing of an earlier call is believed.
        self.desk.key_ring.forget()
        try:
            if not isinstance(payload, Mapping):
                raise InvalidRequest([Fault("", "must be an object")])
            return self.perform(caller, JobReader(payload, now), now)
        except Refusal as refusal:
            self.desk.tally.count_refusal(PROBLEM_TYPES[type(refusal)].name)
            raise
        except ServiceFault:
            self.note(Event("fault", caller))
            raise

    def note(self, event: Event) -> None:
        """An entry for what was not done; the refusal or fault itself is told in any case."""
        with suppress(AuditUnavailable, ServiceFault):
            self.desk.trail.record([event])


class Worker(Job):
    """A job that a state machine calls: what refuses it is raised, for the machine to retry it by its name."""

    def __call__(self, caller: Caller, payload: object) -> dict[str, Any]:
        """The answer to a payload."""
        return self.run(caller, payload)


Perform = Callable[[Caller, JobReader, datetime], dict[str, Any]]


class SteppedWorker(Worker):
    """One that takes one step of several at a call: the one that the request names as `step`."""

    @abstractmethod
    def steps(self) -> Mapping[str, Perform]:
        """By name."""

    def perform(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """The answer of the step."""
        steps = self.steps()
        step = reader.required_one_of("step", tuple(steps))
        if not step:
            reader.finish()
        return steps[step](caller, reader, now)
