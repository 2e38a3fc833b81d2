"""PurgePage: the records of one page of a plan, destroyed if they still may be."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from phone_vault.crypto.receipts import salted
from phone_vault.domain.audit import Event
from phone_vault.domain.callers import Caller
from phone_vault.domain.errors import Fault, InvalidRequest, TamperedStore
from phone_vault.domain.job_ports import Unreadable
from phone_vault.domain.job_requests import JobReader
from phone_vault.domain.message_key import MessageKeyId
from phone_vault.domain.ports import Contended, RecordId
from phone_vault.domain.purge_plan import Listed
from phone_vault.domain.purge_ports import DueIndex
from phone_vault.domain.purge_run import (
    FAILED,
    KEPT,
    MESSAGE_KEYS,
    MESSAGE_KEYS_FAILED,
    PURGED,
    PageProgress,
    PageState,
    PurgeRun,
)
from phone_vault.domain.purging import KEPT as KEPT_FATES
from phone_vault.domain.purging import Fate, because_of, fate_of_found, next_bucket, without_ended
from phone_vault.domain.retention import Retained, bucket_on
from phone_vault.domain.rights_ports import RetainedStore, SubjectStore
from phone_vault.domain.subject import SubjectId
from phone_vault.domain.tombstone import Tombstone
from phone_vault.services.destruction import Destruction
from phone_vault.services.erasure_end import end_erasure
from phone_vault.services.found_records import Found, read_each
from phone_vault.services.job import Desk, Worker
from phone_vault.services.purge_runs import PurgeRuns
from phone_vault.services.right import RightStores
from phone_vault.services.sealed_plans import SealedPlans

_ATTEMPTS = 5
_LOG = logging.getLogger("phone-vault.purge")


@dataclass(frozen=True, slots=True)
class PurgePageParts:
    """What it works with beside what every job does."""

    plans: SealedPlans
    runs: PurgeRuns
    retained: RetainedStore
    subjects: SubjectStore
    due_index: DueIndex
    destruction: Destruction


@dataclass(frozen=True, slots=True)
class _Task:
    caller: Caller
    run: PurgeRun
    page: int
    now: datetime
    is_taken_over: bool
    """Whether the page was open already: what is dead of it nobody has counted."""

    def event(self, outcome: str, tenant_id: str, tokens: tuple[str, ...]) -> Event:
        details: dict[str, str | int] = {"run": self.run.run_id, "page": self.page}
        return Event(outcome, self.caller, tenant_id=tenant_id, tokens=tokens, details=details)


class _Named(NamedTuple):
    tenant_id: str
    name: str


class _Settled(NamedTuple):
    """What became of a record."""

    listed: Listed
    fate: Fate
    dead: Tombstone | None = None
    """To be counted, and swept."""
    is_left: bool = False
    """Whether it still stands where it was found."""
    failed_because: str | None = None


class PurgePage(Worker):
    """Each record is read again, and destroyed on the conditions that hold in the very moment of the write.

    What is dead is counted, then the count is written down, and then the last of it is swept: whoever takes the page
    over after a crash counts what nobody has counted. One record that does not read stops no other.
    """

    name = "PurgePage"

    def __init__(self, desk: Desk, parts: PurgePageParts) -> None:
        super().__init__(desk)
        self._parts = parts

    def perform(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """`scope`, `run_id`, `page`; `done` when it is."""
        scope, run_id, page = reader.required_text("scope"), reader.run_id(), reader.page()
        reader.finish()
        run = self._parts.runs.current(scope, run_id)
        if page >= run.pages:
            raise InvalidRequest([Fault("/page", "is none of the run's")])
        progress = self._parts.runs.store.progress(run_id, page)
        if progress.state is not PageState.DONE:
            self._carry_out(caller, run, progress, now)
        return {"scope": scope, "run_id": run_id, "page": page, "done": True}

    def _carry_out(self, caller: Caller, run: PurgeRun, progress: PageProgress, now: datetime) -> None:
        """`Contended`, for the state machine to call again, if somebody else is at the page."""
        save = self._parts.runs.store.save_progress
        listed = self._parts.plans.page(run.plan_id, progress.page).listed
        task = _Task(caller, run, progress.page, now, is_taken_over=progress.state is PageState.OPEN)
        if progress.state is PageState.COUNTED:
            there = read_each(self._parts.retained, [each.record_id for each in listed]).values()
            dead = [each for each in there if isinstance(each, Tombstone)]
        else:
            progress = save(replace(progress, state=PageState.OPEN))
            settled = self._settle_all(task, listed)
            self._log(settled)
            progress = save(_counted(progress, settled))
            dead = [each.dead for each in settled if each.dead is not None]
        self._close(each for each in dead if not each.is_swept)
        self._end_erasures(task, dead)
        save(replace(progress, state=PageState.DONE))

    def _settle_all(self, task: _Task, listed: Sequence[Listed]) -> list[_Settled]:
        skipped = [each for each in listed if each.record_id.tenant_id in task.run.skipped]
        wanted = [each for each in listed if each.record_id.tenant_id not in task.run.skipped]
        there = read_each(self._parts.retained, [each.record_id for each in wanted])
        self._announce(task, wanted, there)
        settle = partial(self._settle, task, there)
        settled = self._parts.destruction.each(settle, wanted)
        self._parts.destruction.clear(each.dead for each in settled if each.dead is not None)
        return settled + [_Settled(each, Fate.HELD if each.is_due else Fate.LIVES, is_left=True) for each in skipped]

    def _announce(self, task: _Task, listed: Iterable[Listed], there: Mapping[RecordId, Found]) -> None:
        """One audit entry a tenant, with all that is about to be destroyed."""
        tokens: dict[str, list[str]] = {}
        for each in listed:
            fate = self._fate_of(task, there[each.record_id])
            if _is_counted(task, each, fate) or (fate is Fate.DUE and each.is_due):
                tokens.setdefault(each.record_id.tenant_id, []).append(each.record_id.token)
        events = [task.event("purging", tenant_id, tuple(names)) for tenant_id, names in tokens.items()]
        if events:
            self.desk.trail.record(events)

    def _fate_of(self, task: _Task, found: Found) -> Fate:
        if isinstance(found, Unreadable):
            return Fate.UNREADABLE
        return fate_of_found(found, self.desk.policy, task.now, task.run.unused_days)

    def _settle(self, task: _Task, there: Mapping[RecordId, Found], listed: Listed) -> _Settled:
        """What the record is now decides, until nobody writes in between."""
        found = there[listed.record_id]
        for _ in range(_ATTEMPTS):
            try:
                return self._settle_as(task, listed, found, self._fate_of(task, found))
            except Contended:
                found = read_each(self._parts.retained, [listed.record_id])[listed.record_id]
        return _Settled(listed, Fate.UNREADABLE, is_left=True, failed_because="a record changes too often")

    def _settle_as(self, task: _Task, listed: Listed, found: Found, fate: Fate) -> _Settled:
        if isinstance(found, Unreadable):
            if listed.day is not None:
                self._parts.due_index.move_unread(listed.record_id, bucket_on(_Named(*listed.record_id), task.now))
            return _Settled(listed, fate, failed_because="a row does not read")
        if isinstance(found, Tombstone):
            if _is_counted(task, listed, fate):
                return _Settled(listed, fate, dead=found)
            return _Settled(listed, fate, is_left=fate is Fate.DEAD)  # somebody else is destroying it, and counts it
        if found is None:
            return _Settled(listed, fate)
        if fate is Fate.DUE and listed.is_due:
            tombstone_life = timedelta(days=self.desk.policy.tombstone_days)
            dead = self._parts.retained.shred(found, because_of(found), task.now, task.now + tombstone_life)
            return _Settled(listed, fate, dead=dead)
        if listed.day is not None:
            self._look_after(task, found, fate, listed.day)
        return _Settled(listed, fate)

    def _look_after(self, task: _Task, record: Retained, fate: Fate, day: date) -> None:
        """What is kept loses what has ended of it, and stands on a day to come, or on this one."""
        policy = self.desk.policy
        if fate is Fate.LEFTOVER:
            after = without_ended(record, policy, task.now)
            dropped = tuple(sorted(record.grants.keys() - after.grants.keys()))
            event = replace(task.event("purposes-dropped", record.tenant_id, (record.name,)), purposes=dropped)
            with self.desk.trail.writing([event]) as entries:
                self._parts.retained.change(record, after, next_bucket(after, policy, task.now), entries)
            return
        bucket = next_bucket(record, policy, task.now)
        if not bucket.startswith(day.isoformat()):
            self._parts.due_index.move(record, bucket)

    def _close(self, dead: Iterable[Tombstone]) -> None:
        self._parts.destruction.each(self._close_one, dead)

    def _close_one(self, dead: Tombstone) -> None:
        (self._parts.due_index if dead.message_purpose is None else self._parts.retained).close(dead)

    def _end_erasures(self, task: _Task, dead: Iterable[Tombstone]) -> None:
        """Also of what is swept already: whoever has swept it may have been stopped before this.

        A record does not say whether its subject is being erased: an erasure that was stopped before it came to the
        record is told by the subject's row alone.
        """
        subject_ids = dict.fromkeys(SubjectId(each.tenant_id, each.subject_ref) for each in dead)
        self._parts.destruction.each(partial(self._end_erasure, task), subject_ids)

    def _end_erasure(self, task: _Task, subject_id: SubjectId) -> None:
        stores = RightStores(self._parts.subjects, self._parts.retained)
        event = task.event("erasure-ended", subject_id.tenant_id, ())
        try:
            end_erasure(stores, self.desk.trail, event, subject_id)
        except TamperedStore:  # it stops no other record: the subject takes no numbers until somebody has looked
            _LOG.warning("an erasure could not be ended", extra={"tenant": subject_id.tenant_id})

    @staticmethod
    def _log(settled: Iterable[_Settled]) -> None:
        """By tenant and reason, never by record."""
        failures = Counter(
            (each.listed.record_id.tenant_id, each.failed_because) for each in settled if each.failed_because
        )
        for (tenant_id, reason), count in failures.items():
            _LOG.warning("records could not be purged", extra={"tenant": tenant_id, "reason": reason, "records": count})


def _is_counted(task: _Task, listed: Listed, fate: Fate) -> bool:
    """Whether a tombstone is this page's to count: one that was planned as such, or of a call that was stopped."""
    return fate is Fate.DEAD and (task.is_taken_over or not listed.is_due)


def _counted(progress: PageProgress, settled: Iterable[_Settled]) -> PageProgress:
    counts, by_purpose = Counter[str](), Counter[str]()
    tokens: list[str] = []
    left: list[date] = []
    for each in settled:
        is_message_key = MessageKeyId.named(*each.listed.record_id) is not None
        if each.failed_because is not None:
            counts[MESSAGE_KEYS_FAILED if is_message_key else FAILED] += 1
        elif each.dead is not None:
            counts[MESSAGE_KEYS if is_message_key else PURGED] += 1
            if not is_message_key:
                by_purpose.update(each.dead.purposes)
                tokens.append(each.dead.token)
        elif _is_kept(each) and not is_message_key:
            counts[KEPT] += 1
        if each.is_left and each.listed.day is not None:
            left.append(each.listed.day)
    return replace(
        progress,
        state=PageState.COUNTED,
        counts=dict(counts),
        by_purpose=dict(by_purpose),
        leaves=tuple(salted(tokens)),
        left_from=min(left, default=None),
    )


def _is_kept(settled: _Settled) -> bool:
    """Planned, or found due, and still there."""
    if settled.fate in (Fate.DEAD, Fate.GONE):
        return False
    return settled.listed.is_due or settled.fate in KEPT_FATES or settled.fate is Fate.DUE
