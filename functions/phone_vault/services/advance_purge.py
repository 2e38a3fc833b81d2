"""AdvancePurge: what a Purge decides before and after it goes through the pages of its plan."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from phone_vault.domain.audit import Event
from phone_vault.domain.callers import Caller
from phone_vault.domain.errors import CircuitBreakerOpen, Conflict, NotFound
from phone_vault.domain.inventory import Kind
from phone_vault.domain.job_requests import JobReader
from phone_vault.domain.moments import to_second
from phone_vault.domain.ports import Contended
from phone_vault.domain.purge_plan import Conditions, Plan
from phone_vault.domain.purge_run import (
    FAILED,
    KEPT,
    MESSAGE_KEYS,
    MESSAGE_KEYS_FAILED,
    PURGED,
    UNATTENDED,
    PurgeRun,
    RunState,
    Totals,
)
from phone_vault.domain.purging import clear_until, skipped_of
from phone_vault.domain.receipts import MOST_LEAVES, Destroyed, ReceiptKind
from phone_vault.services.job import Desk, Perform, SteppedWorker
from phone_vault.services.purge_planning import PurgePlanning
from phone_vault.services.purge_runs import OVERTAKEN, PurgeRuns
from phone_vault.services.receipts import Receipts
from phone_vault.services.sealed_plans import SealedPlans
from phone_vault.services.tally import Measure

_TOLD = (PURGED, KEPT, FAILED, MESSAGE_KEYS, MESSAGE_KEYS_FAILED)
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class AdvancePurgeParts:
    """What it works with beside what every job does."""

    plans: SealedPlans
    planning: PurgePlanning
    runs: PurgeRuns
    receipts: Receipts


class AdvancePurge(SteppedWorker):
    """Each step can be repeated.

    A run that nobody has planned is one of a kind: whoever comes after one that was stopped does its pages first, then
    plans anew, and both come into one receipt.
    """

    name = "AdvancePurge"

    def __init__(self, desk: Desk, parts: AdvancePurgeParts) -> None:
        super().__init__(desk)
        self._plans, self._planning, self._runs = parts.plans, parts.planning, parts.runs
        self._receipts = parts.receipts

    def steps(self) -> Mapping[str, Perform]:
        """They take `purge`, the state machine's input, and `plan_id`; or `scope` and `run_id`."""
        return {"plan": self._plan, "begin": self._begin, "finish": self._finish}

    def _plan(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """`next` says what comes: to `resume` the pages of a stopped run, to `plan` on, or to `begin`."""
        going_on_with = reader.optional_text("plan_id")
        attended = _plan_asked_for(reader, now)
        if attended is not None:
            return {"next": "begin", "plan_id": self._made(attended, now).plan_id}
        if going_on_with is not None:
            plan = self._plans.read(going_on_with, now)
        else:
            left = self._left(now)
            if left is not None:
                return left
            plan = self._planning.begun(Conditions(), now, is_attended=False)
            self.desk.trail.record([Event("planning-purge", caller, details={"plan": plan.plan_id})])
        if not plan.is_made:
            plan = self._planning.gone_on_with(plan)
        return {"next": "begin" if plan.is_made else "plan", "plan_id": plan.plan_id}

    def _left(self, now: datetime) -> dict[str, Any] | None:
        """What the last run of this kind has left undone, if it can be done still."""
        run = self._runs.store.read(UNATTENDED)
        if run is None or run.state is not RunState.RUNNING or not self._has_plan(run, now):
            return None
        pages = self._runs.pages_left(run)
        return {"next": "resume", "scope": run.scope, "run_id": run.run_id, "pages": pages} if pages else None

    def _has_plan(self, run: PurgeRun, now: datetime) -> bool:
        try:
            self._plans.read(run.plan_id, now)
        except NotFound:
            return False
        return True

    def _begin(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """A run, or the one of this plan that was stopped."""
        plan_id = reader.required_text("plan_id")
        attended = _plan_asked_for(reader, now)
        plan = self._made(plan_id, now)
        if plan.is_attended is (attended is None):
            raise Conflict("the plan is for another kind of purge")
        for _ in range(_ATTEMPTS):
            before = self._runs.store.read(UNATTENDED if attended is None else attended)
            if before is not None and before.state is RunState.FINISHING:
                self._brought_to_its_end(before, caller)
                continue
            if before is not None and before.state is RunState.RUNNING and before.plan_id == plan.plan_id:
                return _begun(before, self._runs.pages_left(before))
            run = self._run_of(plan, before, now)
            details: dict[str, str | int] = {"run": run.run_id, "plan": plan.plan_id, "skipped": len(run.skipped)}
            self.desk.trail.record([Event("purge-begun", caller, tenant_id=run.tenant_id, details=details)])
            with suppress(Contended):
                return _begun(self._runs.store.save(run), list(range(run.pages)))
        raise Conflict(OVERTAKEN)

    def _run_of(self, plan: Plan, before: PurgeRun | None, now: datetime) -> PurgeRun:
        """A new one, which goes on with one of its kind that was stopped; `Conflict` if that is under way."""
        run = PurgeRun(
            scope=plan.plan_id if plan.is_attended else UNATTENDED,
            run_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
            plan_id=plan.plan_id,
            begun_at=now,
            pages=plan.pages,
            tenant_id=plan.conditions.tenant_id,
            unused_days=plan.conditions.unused_days,
            clears_until=clear_until(plan),
            skipped=() if plan.is_attended else self._skipped(plan),
            revision=before.revision if before else 0,
        )
        if before is None or before.state is not RunState.RUNNING:
            return run
        if self._has_plan(before, now) and self._runs.pages_left(before):
            raise Conflict(OVERTAKEN)
        return replace(run, continues=before.parts)

    def _skipped(self, plan: Plan) -> tuple[str, ...]:
        """Tenants of which too much would go; `CircuitBreakerOpen` if those are all that have something due."""
        skipped = skipped_of(plan.due, plan.stored, self.desk.policy.circuit_breaker)
        for _ in skipped:
            self.desk.tally.count(Measure.CIRCUIT_BREAKER_TRIPS)
        if skipped and plan.due.keys() | plan.message_keys.keys() <= set(skipped):
            raise CircuitBreakerOpen("of every tenant more is due than goes without a plan that a person has seen")
        return skipped

    def _made(self, plan_id: str, now: datetime) -> Plan:
        plan = self._plans.read(plan_id, now)
        if not plan.is_made:
            raise Conflict("the plan is not made to its end")
        return plan

    def _finish(self, caller: Caller, reader: JobReader, now: datetime) -> dict[str, Any]:
        """The state machine's output."""
        del now
        scope, run_id = reader.required_text("scope"), reader.run_id()
        reader.finish()
        return self._brought_to_its_end(self._runs.current(scope, run_id), caller)

    def _brought_to_its_end(self, run: PurgeRun, caller: Caller) -> dict[str, Any]:
        """From the moment on when it is finishing nobody else's receipt names what it has destroyed."""
        totals = self._runs.totals(run)
        if run.state is RunState.RUNNING:
            run = self._runs.save(replace(run, state=RunState.FINISHING))
        receipt = self._receipt(run, totals, caller)
        if run.state is RunState.FINISHING:
            if run.clears_until is not None:
                day = min(run.clears_until, totals.left_from or run.clears_until)
                self._runs.store.raise_low_water(day, self.desk.clock.now().date())
            self._runs.save(replace(run, state=RunState.FINISHED))
        return {
            **{name: totals.counts.get(name, 0) for name in _TOLD},
            "skipped_tenants": list(run.skipped),
            "receipt": receipt,
        }

    def _receipt(self, run: PurgeRun, totals: Totals, caller: Caller) -> Mapping[str, Any]:
        name = f"purge#{run.run_id}"
        receipt = self._receipts.stored(name, ReceiptKind.PURGE, run.tenant_id)
        if receipt is not None:
            return receipt
        at = to_second(self.desk.clock.now())
        destroyed = Destroyed(
            kind=ReceiptKind.PURGE,
            at=at,
            final_at=at + self._receipts.key_recovery,
            policy=self.desk.policy.digest,
            counts={
                str(Kind.STORED_NUMBER): totals.counts.get(PURGED, 0),
                str(Kind.MESSAGE_KEY): totals.counts.get(MESSAGE_KEYS, 0),
            },
            by_purpose=dict(sorted(totals.by_purpose.items())),
            tenant_id=run.tenant_id,
            reason="retention ended" if run.unused_days is None else f"not used for {run.unused_days} days",
        )
        if totals.leaves <= MOST_LEAVES:
            destroyed = replace(destroyed, tokens=[leaf for row in self._runs.leaves(run) for leaf in row])
        else:
            under = f"{name}#{secrets.token_hex(8)}"
            destroyed = replace(destroyed, elsewhere=self._receipts.keep_leaves(under, self._runs.leaves(run)))
        details: dict[str, str | int] = {"run": run.run_id, "records": totals.leaves}
        return self._receipts.issue(name, destroyed, Event("purged", caller, tenant_id=run.tenant_id, details=details))


def _plan_asked_for(reader: JobReader, now: datetime) -> str | None:
    """The one that the state machine's input names."""
    purge = reader.part("purge", now)
    plan_id = purge.optional_text("plan_id")
    reader.finish()
    purge.finish()
    return plan_id


def _begun(run: PurgeRun, pages: list[int]) -> dict[str, Any]:
    return {"scope": run.scope, "run_id": run.run_id, "pages": pages, "any": bool(pages)}
