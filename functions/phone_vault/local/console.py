"""What functions print, told apart by thread.

Functions of several instances run side by side in one process and share `sys.stdout`. So while one runs, stdout
and stderr are routers that give a line to the invocation whose thread printed it; other threads' output goes where
it went before.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOBase
from threading import Lock, local
from typing import TextIO, cast


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line, and the invocation that printed it."""

    function: str
    request_id: str
    line: str


class _Sink(local):
    """The invocation that this thread is in, and its output that has not ended in a line break yet."""

    console: "Console | None" = None
    function = ""
    request_id = ""
    unfinished = ""


class _Router(TextIOBase):
    """Kept for the life of the process: logging handlers made during an invocation keep their stream."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._sink = _Sink()
        self.replaced: TextIO | None = None

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._sink.console is None and self._elsewhere().isatty()

    def fileno(self) -> int:
        return self._elsewhere().fileno()

    def write(self, text: str) -> int:
        sink = self._sink
        if sink.console is None:
            return self._elsewhere().write(text)
        *lines, sink.unfinished = (sink.unfinished + text).split("\n")
        sink.console.append([LogLine(sink.function, sink.request_id, line) for line in lines])
        return len(text)

    def flush(self) -> None:
        if self._sink.console is None:
            self._elsewhere().flush()

    @contextmanager
    def into(self, console: "Console", function: str, request_id: str) -> Iterator[None]:
        sink = self._sink
        before = (sink.console, sink.function, sink.request_id, sink.unfinished)
        sink.console, sink.function, sink.request_id, sink.unfinished = console, function, request_id, ""
        try:
            yield
        finally:
            if sink.unfinished:
                self.write("\n")
            sink.console, sink.function, sink.request_id, sink.unfinished = before

    def _elsewhere(self) -> TextIO:
        current = getattr(sys, self._name)
        # A kept handler writes here after the last invocation too: to whatever the stream is by then.
        return cast("TextIO", self.replaced if current is self else current)


_ROUTERS = {name: _Router(name) for name in ("stdout", "stderr")}
_installing = Lock()
_running = 0


@contextmanager
def _routed() -> Iterator[None]:
    """Routers stand in for the streams only while something runs: pytest exchanges them between tests."""
    global _running  # the process has one stdout
    with _installing:
        if _running == 0:
            for name, router in _ROUTERS.items():
                router.replaced = getattr(sys, name)
                setattr(sys, name, router)
        _running += 1
    try:
        yield
    finally:
        with _installing:
            _running -= 1
            if _running == 0:
                for name, router in _ROUTERS.items():
                    if getattr(sys, name) is router:
                        setattr(sys, name, router.replaced)


class Console:
    """Everything that functions printed, oldest first."""

    def __init__(self) -> None:
        self._lines: list[LogLine] = []

    @property
    def lines(self) -> list[LogLine]:
        return list(self._lines)

    def append(self, lines: list[LogLine]) -> None:
        self._lines.extend(lines)

    @contextmanager
    def recording(self, function: str, request_id: str) -> Iterator[None]:
        """What this thread prints meanwhile belongs to this invocation."""
        stdout, stderr = _ROUTERS["stdout"], _ROUTERS["stderr"]
        with _routed(), stdout.into(self, function, request_id), stderr.into(self, function, request_id):
            yield
