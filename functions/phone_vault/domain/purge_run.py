"""A plan being carried out: which pages are done, and what became of their records."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from phone_vault.domain.moments import to_text
from phone_vault.domain.receipts import SaltedToken

UNATTENDED = "unattended"
"""The scope of runs whose plans nobody has seen: there is one at a time. Of a plan that somebody has it is its id."""

PURGED, KEPT, FAILED, MESSAGE_KEYS = "purged", "kept", "failed", "message_keys"
"""Names among the counts: stored numbers, the last one aside, which are message keys that were destroyed."""
MESSAGE_KEYS_FAILED = "message_keys_failed"


class RunState(StrEnum):
    """How far it has come."""

    RUNNING = "running"
    FINISHING = "finishing"
    """All its pages are done; from here on no other run takes over its counts."""
    FINISHED = "finished"


class Part(NamedTuple):
    """A run that was stopped: what it has done comes into the receipt of the one that goes on."""

    run_id: str
    pages: int


@dataclass(frozen=True, slots=True)
class PurgeRun:
    """The last one of its scope."""

    scope: str
    run_id: str
    plan_id: str
    begun_at: datetime
    pages: int
    tenant_id: str | None = None
    """Of the plan; None: all of them."""
    unused_days: int | None = None
    """The same; None: what is due."""
    clears_until: date | None = None
    """Before this day nothing is due any more once it is done, but for what it leaves; None where it tells nothing."""
    skipped: tuple[str, ...] = ()
    """Tenants that the circuit breaker has left out."""
    continues: tuple[Part, ...] = ()
    state: RunState = RunState.RUNNING
    revision: int = 0
    """How often it was written."""
    seal: bytes = b""
    """A MAC over its scope and all of this."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """All whose destroyed records its receipt names, itself the last."""
        return (*self.continues, Part(self.run_id, self.pages))


class PageState(StrEnum):
    """How far a page has come."""

    UNTOUCHED = "untouched"
    OPEN = "open"
    """Somebody is at it, or was when he was stopped: what is dead of its records nobody has counted."""
    COUNTED = "counted"
    """What is dead of its records is counted; something of them may be left to be swept."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class PageProgress:
    """What a page of a run has come to."""

    run_id: str
    page: int
    state: PageState = PageState.UNTOUCHED
    counts: Mapping[str, int] = field(default_factory=dict)
    by_purpose: Mapping[str, int] = field(default_factory=dict)
    """Purged stored numbers."""
    leaves: tuple[SaltedToken, ...] = ()
    """Theirs, for the receipt."""
    left_from: date | None = None
    """The first day of the index of what is due on which something of this page is still to be found."""
    revision: int = 0
    """How often it was written."""
    seal: bytes = b""
    """A MAC over run, page and all of this."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What pages have come to."""

    counts: Mapping[str, int]
    by_purpose: Mapping[str, int]
    leaves: int
    left_from: date | None


def run_text(run: PurgeRun) -> str:
    """What its seal is over: all of it."""
    return _json(
        {
            "scope": run.scope,
            "run_id": run.run_id,
            "plan_id": run.plan_id,
            "begun_at": to_text(run.begun_at),
            "pages": run.pages,
            "tenant_id": run.tenant_id,
            "unused_days": run.unused_days,
            "clears_until": _day_text(run.clears_until),
            "skipped": run.skipped,
            "continues": run.continues,
            "state": run.state,
            "revision": run.revision,
        }
    )


def progress_text(progress: PageProgress) -> str:
    """The same of a page."""
    return _json(
        {
            "run_id": progress.run_id,
            "page": progress.page,
            "state": progress.state,
            "counts": dict(progress.counts),
            "by_purpose": dict(progress.by_purpose),
            "leaves": [leaf.as_json() for leaf in progress.leaves],
            "left_from": _day_text(progress.left_from),
            "revision": progress.revision,
        }
    )


def _json(content: object) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def _day_text(day: date | None) -> str | None:
    return day.isoformat() if day else None
