"""One of the files that an import appends to."""

import hashlib
import os
from pathlib import Path

from phone_vault.cli.importing.own_files import OwnFile, found, made
from phone_vault.cli.printable import printable
from phone_vault.cli.problem import Problem

_CHUNK = 1 << 20


class AppendedFile:
    """It is made when the import begins, and only what was committed stays in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.length = 0
        """As far as it is committed."""
        self._digest = hashlib.sha256()
        self._file: OwnFile | None = None
        self._was_absent = False

    @property
    def digest(self) -> str:
        """SHA-256 of what is committed."""
        return self._digest.hexdigest()

    def require_absent(self) -> None:
        """`Problem` when something has its name, be it empty or a link to nothing."""
        if os.path.lexists(self.path):
            raise Problem(
                f"{printable(self.path)} exists, and not from an import that could be continued. Name another one."
            )
        self._was_absent = True

    def is_as_left(self, length: int, digest: str, *, complete: bool) -> bool:
        """Whether it begins with what was committed, and goes on behind it only if something was still to come."""
        self._was_absent = self._was_absent or (self._file is None and not os.path.lexists(self.path))
        if self._was_absent:
            return length == 0
        file = self._file = self._file or found(self.path)
        if file.length < length or (complete and file.length > length):
            return False
        self._digest, self.length = _digest(file, length), length
        return self.digest == digest

    def begin(self) -> None:
        """What is behind the committed part goes; a file that was not there is made, if it still is not."""
        self._file = self._file or made(self.path)
        self._file.cut(self.length)

    def append(self, content: bytes) -> None:
        """Committed, and on the disk, when it returns."""
        assert self._file is not None  # noqa: S101  it was begun
        self._file.write(content, self.length)
        self.length += len(content)
        self._digest.update(content)

    def remove_if_new(self) -> None:
        """Unless it was there before."""
        if self._file is not None:
            self._file.remove_if_new()

    def close(self) -> None:
        """And unlock."""
        if self._file is not None:
            self._file.close()


def _digest(file: OwnFile, length: int) -> "hashlib._Hash":
    """Of the file's beginning."""
    digest, at = hashlib.sha256(), 0
    while at < length and (chunk := file.read(min(length - at, _CHUNK), at)):
        digest.update(chunk)
        at += len(chunk)
    return digest
