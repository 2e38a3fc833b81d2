"""What a purge would destroy, as it was looked up at one moment: the plan, and its pages of records."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from phone_vault.domain.moments import from_text, to_text
from phone_vault.domain.ports import RecordId

PLAN_KEPT_FOR = timedelta(days=30)
"""After which a plan is as if it had never been made."""


class PlanState(StrEnum):
    """How far it has come."""

    FINDING = "finding"
    """What is due is being read."""
    COUNTING = "counting"
    """The stored numbers of tenants are being counted, of which no census has."""
    MADE = "made"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a plan is about."""

    tenant_id: str | None = None
    """None: all of them."""
    unused_days: int | None = None
    """Numbers that nobody has used for so many days, due or not; None: what is due."""

    @property
    def cover_all_that_is_due(self) -> bool:
        """Whether nothing that is due is left out."""
        return self.tenant_id is None and self.unused_days is None


class Place(NamedTuple):
    """Where reading goes on."""

    day: date | None = None
    """In the index of what is due; None in a pass over all records."""
    shard: int = 0
    cursor: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Counts are of stored numbers, unless said otherwise."""

    plan_id: str
    made_at: datetime
    """When it was begun: what is due is due at this moment."""
    policy: str
    """SHA-256 of the policy file, in hex."""
    conditions: Conditions
    is_attended: bool
    """Whether a person has made it; else the circuit breaker looks at it."""
    state: PlanState
    place: Place
    pages: int = 0
    covers_until: date | None = None
    """The first day that was not read to its end, where that is not the last one."""
    due: Mapping[str, int] = field(default_factory=dict)
    """By tenant."""
    message_keys: Mapping[str, int] = field(default_factory=dict)
    """Due, by tenant."""
    by_purpose: Mapping[str, int] = field(default_factory=dict)
    """Due; one of several purposes counts for each."""
    held: int = 0
    restricted: int = 0
    unreadable: int = 0
    """Rows that are not as the vault writes them."""
    stored: Mapping[str, int] = field(default_factory=dict)
    """By tenant, all that is stored; of those tenants that have something due, if nobody has made the plan."""
    counting: tuple[str, ...] = ()
    """Those of them of which no census tells it."""
    revision: int = 0
    """How often it was written."""

    @property
    def is_made(self) -> bool:
        """Whether it can be run."""
        return self.state is PlanState.MADE

    @property
    def expires_at(self) -> datetime:
        """When it is none any more."""
        return self.made_at + PLAN_KEPT_FOR

    def answer(self) -> dict[str, Any]:
        """As PlanPurge tells it."""
        return {
            "plan_id": self.plan_id,
            "state": "planned" if self.is_made else "planning",
            "due": sum(self.due.values()),
            "held": self.held,
            "restricted": self.restricted,
            "unreadable": self.unreadable,
            "message_keys": sum(self.message_keys.values()),
            "by_purpose": dict(sorted(self.by_purpose.items())),
            "by_tenant": dict(sorted(self.due.items())),
            "expires_at": to_text(self.expires_at),
        }


class Listed(NamedTuple):
    """A record on a page."""

    record_id: RecordId
    day: date | None
    """Where it stood in the index of what is due; None for one that is planned for another reason."""
    is_due: bool
    """Whether it is to be destroyed; else it is kept, and looked after."""


@dataclass(frozen=True, slots=True)
class PlanPage:
    """Some of the records of a plan."""

    listed: tuple[Listed, ...]


def plan_text(plan: Plan) -> str:
    """As it is stored and sealed."""
    return _json(
        {
            "plan_id": plan.plan_id,
            "made_at": to_text(plan.made_at),
            "policy": plan.policy,
            "tenant_id": plan.conditions.tenant_id,
            "unused_days": plan.conditions.unused_days,
            "attended": plan.is_attended,
            "state": str(plan.state),
            "place": [_day_text(plan.place.day), plan.place.shard, plan.place.cursor],
            "pages": plan.pages,
            "covers_until": _day_text(plan.covers_until),
            "due": dict(plan.due),
            "message_keys": dict(plan.message_keys),
            "by_purpose": dict(plan.by_purpose),
            "held": plan.held,
            "restricted": plan.restricted,
            "unreadable": plan.unreadable,
            "stored": dict(plan.stored),
            "counting": list(plan.counting),
            "revision": plan.revision,
        }
    )


def plan_of(text: str) -> Plan:
    """What `plan_text` has written: whoever reads it has checked its seal."""
    content = json.loads(text)
    day, shard, cursor = content["place"]
    return Plan(
        plan_id=content["plan_id"],
        made_at=from_text(content["made_at"]),
        policy=content["policy"],
        conditions=Conditions(content["tenant_id"], content["unused_days"]),
        is_attended=content["attended"],
        state=PlanState(content["state"]),
        place=Place(_day_in(day), shard, cursor),
        pages=content["pages"],
        covers_until=_day_in(content["covers_until"]),
        due=content["due"],
        message_keys=content["message_keys"],
        by_purpose=content["by_purpose"],
        held=content["held"],
        restricted=content["restricted"],
        unreadable=content["unreadable"],
        stored=content["stored"],
        counting=tuple(content["counting"]),
        revision=content["revision"],
    )


def page_text(page: PlanPage) -> str:
    """As it is stored and sealed."""
    return _json([[*each.record_id, _day_text(each.day), each.is_due] for each in page.listed])


def page_of(text: str) -> PlanPage:
    """What `page_text` has written."""
    return PlanPage(
        tuple(
            Listed(RecordId(tenant_id, name), _day_in(day), is_due) for tenant_id, name, day, is_due in json.loads(text)
        )
    )


def _json(content: object) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def _day_text(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _day_in(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
