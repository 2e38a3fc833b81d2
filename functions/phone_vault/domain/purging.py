"""What a purge decides: of one record what is to become of it, of a tenant whether a person has to look first.

All days are UTC. Nothing here looks at a clock.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from phone_vault.domain.policy import VaultPolicy
from phone_vault.domain.purge_plan import Plan
from phone_vault.domain.retention import Granted, Retained, bucket_on, due_bucket_from, ends_at, live_purposes
from phone_vault.domain.rights_ports import Because
from phone_vault.domain.tombstone import Tombstone

SETTLING = timedelta(hours=1)
"""How long a write of another function may take to be seen in the index of what is due; far longer than it does."""


class Fate(StrEnum):
    """What becomes of a record that a purge looks at."""

    DUE = "due"
    """Destroyed."""
    HELD = "held"
    """Due, and kept for a legal hold, restricted or not."""
    RESTRICTED = "restricted"
    """Due, and kept because it is restricted."""
    LEFTOVER = "leftover"
    """Kept, without the purposes that have ended."""
    LIVES = "lives"
    """Kept as it is, and looked at again on another day."""
    DEAD = "dead"
    """Destroyed before, and something is left to be swept."""
    GONE = "gone"
    """Destroyed before, or never there."""
    UNREADABLE = "unreadable"
    """Not as the vault writes it."""


KEPT = frozenset({Fate.HELD, Fate.RESTRICTED})
"""Due, and not destroyed."""


def fate_of(record: Granted, policy: VaultPolicy, now: datetime, unused_days: int | None = None) -> Fate:
    """By its purposes; with `unused_days` also when nobody has used it for so many days.

    An erasure that waits for no hold any more is finished, restricted or not. Of what is held or restricted no purpose
    is dropped.
    """
    standing = record.standing
    live = live_purposes(record, policy, now)
    if not live or (unused_days is not None and is_unused(record, unused_days, now)):
        if standing.is_held:
            return Fate.HELD
        if standing.is_restricted and standing.erasure is None:
            return Fate.RESTRICTED
        return Fate.DUE
    if len(live) < len(record.grants) and not standing.is_held and not standing.is_restricted:
        return Fate.LEFTOVER
    return Fate.LIVES


def fate_of_found(
    found: Retained | Tombstone | None, policy: VaultPolicy, now: datetime, unused_days: int | None = None
) -> Fate:
    """The same of whatever is in the record's place."""
    if found is None:
        return Fate.GONE
    if isinstance(found, Tombstone):
        return Fate.GONE if found.is_swept else Fate.DEAD
    return fate_of(found, policy, now, unused_days)


def because_of(record: Retained) -> Because:
    """Why a due record is destroyed: a restriction does not forbid to finish an erasure."""
    return Because.PURGE if record.standing.erasure is None else Because.ERASURE


def is_unused(record: Granted, days: int, now: datetime) -> bool:
    """Whether so many days of 86,400 s have passed since it was last used, whatever for, or granted anew."""
    return unused_since(record) + timedelta(days=days) <= now


def unused_since(record: Granted) -> datetime:
    """The last use; the last grant, if nobody has used it since."""
    return max((*record.last_used.values(), *(grant.granted_at for grant in record.grants.values())))


def without_ended(record: Retained, policy: VaultPolicy, now: datetime) -> Retained:
    """The record with its live purposes alone; what was said of the others, an objection say, stays."""
    live = live_purposes(record, policy, now)
    return replace(
        record,
        grants={purpose: grant for purpose, grant in record.grants.items() if purpose in live},
        last_used={purpose: at for purpose, at in record.last_used.items() if purpose in live},
    )


def next_bucket(record: Retained, policy: VaultPolicy, now: datetime) -> str:
    """Where a record that is kept stands from now on.

    On the day when the first of its live purposes ends; today when none is live, so that every purge finds it until
    its hold or restriction goes, on the same day too.
    """
    live = live_purposes(record, policy, now)
    if not live:
        return bucket_on(record, now)
    if len(live) == len(record.grants):
        return due_bucket_from(record, policy, now)
    return bucket_on(record, min(ends_at(record, purpose, policy) for purpose in live))


def trips(due: int, stored: int, share: float) -> bool:
    """Whether a purge would destroy more than the share of a tenant's stored numbers; exactly the share is allowed."""
    return due > Fraction(str(share)) * stored


def skipped_of(due: Mapping[str, int], stored: Mapping[str, int], share: float) -> tuple[str, ...]:
    """The tenants whose due numbers are more than that, in their order."""
    return tuple(sorted(tenant_id for tenant_id, count in due.items() if trips(count, stored.get(tenant_id, 0), share)))


def clear_until(plan: Plan) -> date | None:
    """The day before which nothing can be due any more that the plan has not seen; None of one that left things out.

    Writes that it may not have seen yet are of its last hour; they are due on their own day at the earliest.
    """
    if not plan.conditions.cover_all_that_is_due:
        return None
    settled = (plan.made_at - SETTLING).date()
    return settled if plan.covers_until is None else min(settled, plan.covers_until)
