"""The embedded AWS's own time: it stands still unless it is moved, and never goes back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import RLock


class EmbeddedClock:
    """Aware, in UTC. `on_change` is called after each move, with the new time."""

    def __init__(self, start: str, on_change: Callable[[datetime], None]) -> None:
        self._now = _parse(start)
        self._on_change = on_change
        self._lock = RLock()

    def now(self) -> datetime:
        """The time of everything in the embedded AWS."""
        return self._now

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> datetime:
        """Moves the time forward, and answers the new one."""
        step = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if step < timedelta():
            raise ValueError(f"the clock never goes back: {step}")
        with self._lock:
            return self.advance_to(self._now + step)

    def advance_to(self, moment: datetime) -> datetime:
        """Moves the time to this moment, unless it is past already."""
        with self._lock:
            if moment > self._now:
                self._now = moment
                self._on_change(moment)
            return self._now


def _parse(start: str) -> datetime:
    moment = datetime.fromisoformat(start)
    if moment.tzinfo is None:
        raise ValueError(f"start has no time zone, such as Z: {start!r}")
    return moment.astimezone(UTC)
