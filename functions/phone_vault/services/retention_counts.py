"""What retention does, in numbers: what falls due when, what is kept, what is gone, what nobody uses."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from phone_vault.domain.inventory import Gone, Holding, Kind
from phone_vault.domain.purging import is_unused

DAYS_AHEAD = 366
"""What falls due after so many days is counted together."""


@dataclass(slots=True)
class DueCurve:
    """When the last purpose of a record ends, as things stand. What is held or restricted is not due."""

    now: int = 0
    """Due, and not purged yet."""
    by_day: Counter[date] = field(default_factory=Counter)
    """UTC."""
    later: int = 0

    def add(self, ends: Mapping[str, datetime], now: datetime) -> None:
        """A record whose live purposes end then."""
        last = max(ends.values(), default=None)
        if last is None:
            self.now += 1
        elif last - now > timedelta(days=DAYS_AHEAD):
            self.later += 1
        else:
            self.by_day[last.date()] += 1

    def between(self, first: date, last: date) -> int:
        """So many fall due on these days and those between them."""
        return sum(count for day, count in self.by_day.items() if first <= day <= last)


@dataclass(slots=True)
class Use:
    """Of one purpose, or of all together: stored numbers that are live, neither held nor restricted."""

    live: int = 0
    unused: int = 0
    """Of them; nobody has used them for so many days, nor stored them again."""


@dataclass(slots=True)
class RetentionCounts:
    """Of one tenant, or of all."""

    due: dict[Kind, DueCurve] = field(default_factory=lambda: {kind: DueCurve() for kind in Kind})
    held: Counter[Kind] = field(default_factory=Counter)
    restricted: Counter[Kind] = field(default_factory=Counter)
    erasing: Counter[Kind] = field(default_factory=Counter)
    """Whose erasure waits for holds to go; they are among those held."""
    tombstones: Counter[Kind] = field(default_factory=Counter)
    """Rows without a key: nothing that is stored."""
    use: Use = field(default_factory=Use)
    use_by_purpose: dict[str, Use] = field(default_factory=dict)

    def add(self, holding: Holding, live: Mapping[str, datetime], now: datetime, unused_days: int) -> None:
        """Count one more, whose live purposes end then."""
        standing = holding.standing
        self.held[holding.kind] += standing.is_held
        self.restricted[holding.kind] += standing.is_restricted
        self.erasing[holding.kind] += standing.erasure is not None
        if standing.is_held or (standing.is_restricted and standing.erasure is None):
            return
        self.due[holding.kind].add(live, now)
        if live and holding.kind is Kind.STORED_NUMBER:
            _count(self.use, is_unused=is_unused(holding, unused_days, now))
            for purpose in live:
                last = max(holding.grants[purpose].granted_at, holding.last_used.get(purpose, _LONG_AGO))
                is_idle = last + timedelta(days=unused_days) <= now
                _count(self.use_by_purpose.setdefault(purpose, Use()), is_unused=is_idle)

    def add_gone(self, gone: Gone) -> None:
        """Count a tombstone."""
        self.tombstones[gone.kind] += 1

    def add_all(self, others: "RetentionCounts") -> None:
        """Those of another tenant."""
        for kind, curve in others.due.items():
            self.due[kind].now += curve.now
            self.due[kind].later += curve.later
            self.due[kind].by_day.update(curve.by_day)
        for own, other in (
            (self.held, others.held),
            (self.restricted, others.restricted),
            (self.erasing, others.erasing),
            (self.tombstones, others.tombstones),
        ):
            own.update(other)
        _add(self.use, others.use)
        for purpose, use in others.use_by_purpose.items():
            _add(self.use_by_purpose.setdefault(purpose, Use()), use)


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _count(use: Use, *, is_unused: bool) -> None:
    use.live += 1
    use.unused += is_unused


def _add(use: Use, other: Use) -> None:
    use.live += other.live
    use.unused += other.unused
