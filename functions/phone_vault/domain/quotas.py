"""Quotas: how much in an hour of the clock (UTC), and which counter counts it.

Each hour has a counter of its own, so a clock that is set back finds what it counted, and nothing ever resets one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

KEPT_FOR = timedelta(hours=48)
"""How long a counter outlives its hour: longer than clocks are wrong by."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter for one hour; it takes more as long as it is below its limit, and may end above it."""

    name: str
    limit: int
    ends_at: datetime
    """When it may be forgotten."""


def calls(function: str, match: str, limit: int, now: datetime) -> Counter:
    """Of what the callers of one principal entry, which its `match` names, ask of one function."""
    return _counter(f"quota#{function}#{match}", limit, now)


def mismatches(tenant_id: str, token: str, limit: int, now: datetime) -> Counter:
    """Of the wrong numbers that `Verify` was given for one token."""
    return _counter(f"mismatches#{tenant_id}#{token}", limit, now)


def _counter(name: str, limit: int, now: datetime) -> Counter:
    hour = now.replace(minute=0, second=0, microsecond=0)
    return Counter(f"{name}#{hour:%Y-%m-%dT%H}", limit, hour + _HOUR + KEPT_FOR)
