"""Calls of functions that begin now and end later: each in a thread of its own, of which one at a time goes on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from phone_vault.domain.errors import KeyUnavailable, StoreUnavailable
from tests.fakes import Disturbances, Killed

_PATIENCE_SECONDS = 30


class Stage(Disturbances):
    """Where all ports tell of their calls; an invocation may be stopped before any of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._local = threading.local()
        self._until_failure: int | None = None
        self._is_unwatched = False

    def fail_after(self, calls: int) -> None:
        """The service does not answer the call after so many from now, whichever it is."""
        self._until_failure = calls

    def end(self) -> None:
        """Nothing disturbs from now on."""
        super().end()
        self._until_failure = None

    @contextmanager
    def around(self, call: str) -> Iterator[None]:
        """Around what a call does."""
        if self._is_unwatched:
            yield
            return
        invocation = getattr(self._local, "invocation", None)
        if invocation is not None:
            invocation.arrive(call)
        self._fail(call)
        with super().around(call):
            yield

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """A test looks at what there is."""
        self._is_unwatched = True
        try:
            yield
        finally:
            self._is_unwatched = False

    def play(self, invocation: "Invocation") -> None:
        """This thread is the invocation's from now on."""
        self._local.invocation = invocation

    def _fail(self, call: str) -> None:
        if self._until_failure is None:
            return
        self._until_failure -= 1
        if self._until_failure < 0:
            self._until_failure = None
            raise KeyUnavailable("KMS does not answer") if call.startswith("kms.") else StoreUnavailable("no answer")


class Invocation:
    """One call of one instance. Like an invocation of Lambda's it ends by itself, or is killed where it stands."""

    def __init__(self, stage: Stage, act: Callable[[], Any], stops_at: int | str) -> None:
        """`stops_at`: before which call it stops, once: the n-th, or the first of this name."""
        self._stage, self._act = stage, act
        self._stops_at: int | str | None = stops_at
        self._calls = 0
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._is_killed = False
        self._thread = threading.Thread(target=self._play, daemon=True)
        self.stopped_before: str | None = None
        """The call at which it stands; None once it has ended."""
        self.answer: Any = None
        self.failure: BaseException | None = None

    def begin(self) -> None:
        """Let it come as far as its stop, or to its end."""
        self._thread.start()
        self._await()

    def end(self) -> None:
        """Let it come to its end."""
        self._turn.release()
        self._await()

    def kill(self) -> None:
        """It is gone."""
        self._is_killed = True
        self.end()

    def arrive(self, call: str) -> None:
        """Before each call of a port."""
        self._calls += 1
        if self._stops_at not in (call, self._calls):
            return
        self._stops_at, self.stopped_before = None, call
        self._back.release()
        self._turn.acquire()
        self.stopped_before = None
        if self._is_killed:
            raise Killed

    def _await(self) -> None:
        if not self._back.acquire(timeout=_PATIENCE_SECONDS):
            raise TimeoutError("an invocation neither stops nor ends")

    def _play(self) -> None:
        self._stage.play(self)
        try:
            self.answer = self._act()
        except BaseException as failure:  # whatever it is, the test looks at it
            self.failure = failure
        finally:
            self._back.release()
