"""Output, rejects and journal: at any moment as much as was committed, or more, which the next start cuts off.

The order of steps for each batch, and why:

1. The vault protects the numbers. Done again after an interruption, it answers the same tokens.
2. Rows are appended to the output and to the rejects, and both are on the disk (fsync).
3. Only then the journal says so: it never promises bytes that a power failure can take back.

Interrupted before 3, the next start finds the old journal, cuts both files to the lengths that it names, and begins at
its offset: no gap, because nothing behind it counts, and no duplicate, because nothing behind it stays. On the first
start the journal comes before the first byte of the output, so that a file with content and no journal is not ours.
"""

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from phone_vault.cli.importing.journal import Identity, Journal, Progress, sync_directory
from phone_vault.cli.problem import Problem

_CHUNK = 1 << 20
_OWNER_ONLY = 0o600  # what stands beside the numbers is personal data too


class Destination:
    """The three files of one import, locked against a second one."""

    def __init__(self, output: Path, rejects: Path) -> None:
        self._paths = (output, rejects)
        self._progress: Progress | None = None
        self.journal = Journal(output.with_name(f"{output.name}.journal"))
        if len({path.resolve() for path in (output, rejects, self.journal.path)}) < len(self._paths) + 1:
            raise Problem("output, rejects and journal must be different files")
        with _told(), ExitStack() as opened:
            self._output = opened.enter_context(_opened(output))
            self._rejects = opened.enter_context(_opened(rejects))
            sync_directory(output.parent)
            sync_directory(rejects.parent)
            opened.pop_all()

    def earlier(self) -> tuple[Identity, Progress] | None:
        """What an earlier start has left; `Problem` when the files are there and no journal is."""
        found = self.journal.read()
        for path, file in zip(self._paths, (self._output, self._rejects), strict=True):
            if found is None and _length(file) > 0:
                raise Problem(f"{path} exists, and not from an import that could be continued. Name another one.")
        return found

    def require_as_left(self, progress: Progress) -> None:
        """`Problem` when the files do not begin with what was committed, or a complete one goes on behind it."""
        self._output_digest = self._digest_as_left(0, progress.output_bytes, progress.output_digest, progress)
        self._rejects_digest = self._digest_as_left(1, progress.rejects_bytes, progress.rejects_digest, progress)

    def begin(self, identity: Identity, progress: Progress) -> None:
        """Continue from there: what is behind it goes."""
        self.require_as_left(progress)
        self._identity = identity
        self._progress = progress
        with _told():
            self.journal.write(identity, progress)
            for file, length in ((self._output, progress.output_bytes), (self._rejects, progress.rejects_bytes)):
                file.truncate(length)
                file.seek(length)

    def commit(self, output: bytes, rejects: bytes, progress: Progress) -> Progress:
        """Appends and makes durable; answers the progress with the files' lengths and digests."""
        with _told():
            for file, digest, content in (
                (self._output, self._output_digest, output),
                (self._rejects, self._rejects_digest, rejects),
            ):
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                digest.update(content)
            done = replace(
                progress,
                output_bytes=self._output.tell(),
                rejects_bytes=self._rejects.tell(),
                output_digest=self._output_digest.hexdigest(),
                rejects_digest=self._rejects_digest.hexdigest(),
            )
            self.journal.write(self._identity, done)
        self._progress = done
        return done

    def abandon(self) -> None:
        """As long as nothing was committed there is nothing to continue, so nothing of ours stays behind."""
        begun = self._progress is not None
        if self._progress is not None and (self._progress.output_bytes or self._progress.rejects_bytes):
            return
        for path, file in zip(self._paths, (self._output, self._rejects), strict=True):
            if begun or (_length(file) == 0 and self.journal.read() is None):
                path.unlink(missing_ok=True)
        if begun:
            self.journal.remove()

    def _digest_as_left(self, which: int, length: int, expected: str, progress: Progress) -> "hashlib._Hash":
        file = (self._output, self._rejects)[which]
        digest = _digest(file, length)
        if digest.hexdigest() != expected or (progress.complete and _length(file) > length):
            raise Problem(
                f"{self._paths[which]} is not as the import left it: something else has changed it. "
                f"To begin anew, move it away and remove {self.journal.path}."
            )
        return digest

    def close(self) -> None:
        """And unlock. What is still in a buffer was never committed, and may fail as the commit did."""
        for file in (self._output, self._rejects):
            try:
                file.close()
            except OSError:
                continue


def _opened(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Problem(f"{path} is no regular file; an import that can be continued needs one")
    file = os.fdopen(descriptor, "r+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise Problem(f"another import is writing {path}") from None
    return file


def _digest(file: BinaryIO, length: int) -> "hashlib._Hash":
    """Of the file's beginning."""
    digest = hashlib.sha256()
    file.seek(0)
    while length > 0 and (chunk := file.read(min(length, _CHUNK))):
        digest.update(chunk)
        length -= len(chunk)
    return digest


def _length(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


@contextmanager
def _told() -> Iterator[None]:
    """A full disk, a quota, a missing directory: said in words, and how to go on."""
    try:
        yield
    except OSError as error:
        where = f" to {error.filename}" if error.filename else ""
        raise Problem(
            f"cannot write{where}: {error.strerror}. What was committed is complete: "
            "start the same command again, and it goes on from there."
        ) from None
