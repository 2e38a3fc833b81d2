"""An operator who presses Ctrl-C."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interrupted_when(is_under_way: Callable[[], object]) -> Iterator[None]:
    """Once, as soon as that is so."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            if is_under_way():
                os.kill(os.getpid(), signal.SIGINT)
                return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
