"""What may happen around the calls of ports: another caller in between, a failure, the end of the instance."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Killed(BaseException):
    """The instance is gone in the middle of its work; nothing in it may catch this."""


class Disturbances:
    """Shared by all ports that a test watches. A call is named `port.method`, such as `wrapped.rewrap`."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        """Those that were begun, in their order."""
        self.take_turns: Callable[[], None] = lambda: None
        """Called before each call: where threads let each other go on."""
        self._survived: int | None = None
        self._failures: dict[str, list[Exception | None]] = defaultdict(list)
        self._lasting: dict[str, Exception] = {}
        self._acts: dict[str, list[Callable[[], object]]] = defaultdict(list)
        self._is_acting = False

    def kill_after(self, calls: int) -> None:
        """The instance dies when as many calls from now have been carried out, in the last one of them."""
        self._survived = calls

    def fail(self, call: str, failure: Exception, at: int = 1) -> None:
        """Raised once, in place of the n-th call of this name from now."""
        self._failures[call] = [None] * (at - 1) + [failure]

    def fail_always(self, call: str, failure: Exception) -> None:
        """Raised in place of every call of this name."""
        self._lasting[call] = failure

    def before(self, call: str, *acts: Callable[[], object]) -> None:
        """What others do just before the next call of this name, and the ones after it: one act each."""
        self._acts[call].extend(acts)

    def end(self) -> None:
        """Nothing disturbs from now on."""
        self._survived = None
        self._failures.clear()
        self._lasting.clear()
        self._acts.clear()

    @contextmanager
    def around(self, call: str) -> Iterator[None]:
        """Around what a call does."""
        if self._is_acting:
            yield  # it is the other caller's
            return
        self.take_turns()
        self.calls.append(call)
        self._act(call)
        self._refuse(call)
        yield
        if self._survived is not None:
            self._survived -= 1
            if self._survived == 0:
                self._survived = None
                raise Killed

    def _act(self, call: str) -> None:
        if self._acts[call]:
            self._is_acting = True
            try:
                self._acts[call].pop(0)()
            finally:
                self._is_acting = False

    def _refuse(self, call: str) -> None:
        if call in self._lasting:
            raise self._lasting[call]
        failure = self._failures[call].pop(0) if self._failures[call] else None
        if failure is not None:
            raise failure
