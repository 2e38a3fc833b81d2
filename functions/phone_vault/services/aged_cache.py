"""A cache that is bounded in age and number and lets one caller at a time load a key."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from phone_vault.domain.ports import Clock

_FLIGHTS = 64  # locks shared by all keys: a lock for each would have to be counted to be thrown away

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Aged(Generic[V]):
    value: V
    since: datetime


class AgedCache(Generic[K, V]):
    """Values that are never served at `max_age` or older, at most `capacity` of them.

    Age counts from before the load began, by the wall clock: a frozen Lambda's monotonic clock may stand still. A
    clock that was set back makes a value stale rather than younger. A load that fails is not remembered.
    """

    def __init__(self, clock: Clock, max_age: timedelta, capacity: int, on_hit: Callable[[], None]) -> None:
        self._clock = clock
        self._max_age = max_age
        self._capacity = capacity
        self._on_hit = on_hit
        self._values: OrderedDict[K, _Aged[V]] = OrderedDict()
        self._flights = tuple(threading.Lock() for _ in range(_FLIGHTS))
        self._lock = threading.Lock()

    def get(self, key: K, load: Callable[[], V]) -> V:
        """The value, from the cache or by `load`; callers that ask for one key at once wait for one load."""
        fresh = self._fresh(key)
        if fresh is not None:
            self._on_hit()
            return fresh.value
        with self._flights[hash(key) % _FLIGHTS]:
            fresh = self._fresh(key)
            if fresh is None:
                since = self._clock.now()
                fresh = _Aged(load(), since)
                self._keep(key, fresh)
        return fresh.value

    def drop(self, key: K) -> None:
        """Forget one value."""
        with self._lock:
            self._values.pop(key, None)

    def clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._values.clear()

    def _fresh(self, key: K) -> _Aged[V] | None:
        now = self._clock.now()
        with self._lock:
            aged = self._values.get(key)
            if aged is None:
                return None
            if not aged.since <= now < aged.since + self._max_age:
                del self._values[key]
                return None
            self._values.move_to_end(key)
            return aged

    def _keep(self, key: K, aged: _Aged[V]) -> None:
        with self._lock:
            self._values[key] = aged
            while len(self._values) > self._capacity:
                self._values.popitem(last=False)
