"""Callers that come at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import TypeVar

from tests.integration.support.wire import Sent, Wire

T = TypeVar("T")


def at_once(callers: int, call: Callable[[int], T]) -> list[T]:
    """What each of the callers got; an exception of one is raised."""
    start = Barrier(callers)

    def caller(number: int) -> T:
        start.wait()
        return call(number)

    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(caller, range(callers)))


def overtaken(wire: Wire, slow: Callable[[], T], fast: Callable[[], T], held: Callable[[Sent], bool]) -> tuple[T, T]:
    """What both got: the slow caller's request of this kind leaves only when the fast caller is done."""
    on_hold, done = Event(), Event()

    def hold(sent: Sent, _: int) -> None:
        if held(sent) and not on_hold.is_set():
            on_hold.set()
            assert done.wait(timeout=30)

    with ThreadPoolExecutor(1) as pool, wire.failing(hold):
        first = pool.submit(slow)
        assert on_hold.wait(timeout=30)
        try:
            second = fast()
        finally:
            done.set()
        return first.result(), second
