"""Threads that let each other go on at every call of a port, in an order that a seed decides."""

import threading
from collections.abc import Callable
from random import Random

_PATIENCE_SECONDS = 10


class Turns:
    """One thread at a time: what two workers do to each other is the same in every run of a test."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        self._turn = threading.Condition()
        self._running: list[int] = []
        self._current: int | None = None
        self._places: dict[int, int] = {}
        self._failures: list[BaseException] = []

    def take(self) -> None:
        """Let another thread go on, or this one again; nothing for a thread that is not one of them."""
        place = self._places.get(threading.get_ident())
        if place is not None:
            with self._turn:
                self._pass_on()
                self._await(place)

    def run(self, *acts: Callable[[], object]) -> None:
        """All of them at once, to their ends; a failure of one is the test's."""
        self._running = list(range(len(acts)))
        threads = [threading.Thread(target=self._play, args=(place, act)) for place, act in enumerate(acts)]
        for thread in threads:
            thread.start()
        with self._turn:
            self._turn.wait_for(lambda: len(self._places) == len(acts), _PATIENCE_SECONDS)
            self._pass_on()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _play(self, place: int, act: Callable[[], object]) -> None:
        try:
            with self._turn:
                self._places[threading.get_ident()] = place
                self._turn.notify_all()
                self._await(place)
            act()
        except BaseException as failure:  # whatever it is, the test is to know
            self._failures.append(failure)
        finally:
            with self._turn:
                self._running.remove(place)
                self._pass_on()

    def _pass_on(self) -> None:
        self._current = self._chance.choice(self._running) if self._running else None
        self._turn.notify_all()

    def _await(self, place: int) -> None:
        if not self._turn.wait_for(lambda: self._current == place, _PATIENCE_SECONDS):
            raise TimeoutError("no turn came")
