"""Files of an import's own: made where nothing is, for their owner alone, and never followed by a symbolic link."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from phone_vault.cli.printable import printable
from phone_vault.cli.problem import Problem

_OWNER_ONLY = 0o600  # what stands beside the numbers is personal data too
_OPENED = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW


class OwnFile:
    """An open file, locked against a second import."""

    def __init__(self, path: Path, descriptor: int, *, is_new: bool) -> None:
        """Made by `found`, `made` and `found_or_made`."""
        self.path = path
        self._descriptor: int | None = descriptor
        self._is_new = is_new
        try:
            self._require_lock()
            if is_new:
                _sync_directory(path.parent)
        except BaseException:
            self.close()
            raise

    @property
    def descriptor(self) -> int:
        """As long as it is open."""
        assert self._descriptor is not None  # noqa: S101  whoever closes it asks nothing more of it
        return self._descriptor

    @property
    def length(self) -> int:
        """In bytes."""
        return os.fstat(self.descriptor).st_size

    def read(self, length: int, offset: int) -> bytes:
        """So many bytes from there on, fewer where the file ends."""
        return os.pread(self.descriptor, length, offset)

    def write(self, content: bytes, offset: int) -> None:
        """All of it, on the disk when it returns."""
        while content:
            written = os.pwrite(self.descriptor, content, offset)
            content, offset = content[written:], offset + written
        os.fsync(self.descriptor)

    def cut(self, length: int) -> None:
        """What is behind it goes."""
        os.ftruncate(self.descriptor, length)

    def remove_if_new(self) -> None:
        """Unless it was there before, or something else has taken its name since."""
        try:
            if self._is_new and os.path.samestat(self.path.lstat(), os.fstat(self.descriptor)):
                self.path.unlink()
        except OSError:  # it is gone, or cannot be removed: there is a problem to tell already
            return

    def close(self) -> None:
        """And unlock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _require_lock(self) -> None:
        status = os.fstat(self.descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Problem(f"{printable(self.path)} is no regular file; an import that can be continued needs one")
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem(f"another import is writing {printable(self.path)}") from None
        if os.fstat(self.descriptor).st_nlink == 0:
            raise Problem(f"another import has just removed {printable(self.path)}: start again")


def found_or_made(path: Path) -> OwnFile:
    """The file that is there, else a new one."""
    try:
        return made(path)
    except FileExistsError:
        return found(path)


def made(path: Path) -> OwnFile:
    """A new file; `FileExistsError` when something has its name."""
    return OwnFile(path, os.open(path, _OPENED | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), is_new=True)


def found(path: Path) -> OwnFile:
    """The file that is there; `Problem` when it is none of an import's kind."""
    try:
        # Not to wait for a pipe's other end before it is known to be a pipe.
        return OwnFile(path, os.open(path, _OPENED | os.O_NONBLOCK), is_new=False)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Problem(f"{printable(path)} is a symbolic link: name the file itself") from None
        raise


@contextmanager
def told() -> Iterator[None]:
    """A full disk, a quota, a missing directory: said in words, and how to go on."""
    try:
        yield
    except OSError as error:
        where = f" to {printable(str(error.filename))}" if error.filename else ""
        raise Problem(
            f"cannot write{where}: {error.strerror}. What was committed is complete: "
            "start the same command again, and it goes on from there."
        ) from None


def _sync_directory(path: Path) -> None:
    """A new name is on the disk when its directory is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
