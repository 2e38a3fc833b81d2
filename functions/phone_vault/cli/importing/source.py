"""The file to import: read through once before anything is written, so that its faults are known in time."""

import codecs
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from phone_vault.cli.printable import printable
from phone_vault.cli.problem import Problem

CHUNK = 1 << 20
"""Bytes in memory at a time."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be decoded from beginning to end."""

    path: Path
    file: BinaryIO
    byte_order_mark: bytes
    size: int
    digest: bytes
    """SHA-256 of the content. As such not for keeping: a file of one number would be guessed from it."""
    _changed_ns: tuple[int, int]

    def require_unchanged(self) -> None:
        """Cheap enough for every batch; a changed content would be noticed at the next start only."""
        status = os.fstat(self.file.fileno())
        if status.st_size != self.size or _changed_ns(status) != self._changed_ns:
            raise Problem(
                f"{printable(self.path)} has changed while it was read. What was imported so far is complete."
            )


@contextmanager
def opened(path: Path, encoding: str) -> Iterator[Source]:
    """The file; `Problem` when it is empty, no regular file, or not in that encoding."""
    try:
        # Not to wait for a pipe's other end before it is known to be a pipe.
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as error:
        raise Problem(f"{printable(path)} cannot be read: {error.strerror}") from None
    with file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Problem(f"{printable(path)} is no regular file; an import that can be continued needs one")
        if status.st_size == 0:
            raise Problem(f"{printable(path)} is empty")
        mark = _byte_order_mark(path, file)
        yield Source(path, file, mark, status.st_size, _digest(path, file, encoding), _changed_ns(status))


def _changed_ns(status: os.stat_result) -> tuple[int, int]:
    """Whoever writes can set the first back (`touch -d`), not the second."""
    return status.st_mtime_ns, status.st_ctime_ns


def _byte_order_mark(path: Path, file: BinaryIO) -> bytes:
    start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start:
        raise Problem(f"{printable(path)} looks like UTF-16 or UTF-32. Convert it first: iconv -f UTF-16 -t UTF-8")
    return codecs.BOM_UTF8 if start.startswith(codecs.BOM_UTF8) else b""


def _digest(path: Path, file: BinaryIO, encoding: str) -> bytes:
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    line = 0
    try:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            decoder.decode(chunk)
            line += chunk.count(b"\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as fault:
        line += 1 + fault.object[: fault.start].count(b"\n")
        # Not the decoder's own words: they quote the bytes.
        raise Problem(
            f"{printable(path)} is not {encoding} throughout (the first fault is in line {line:,}). "
            "Name its encoding, such as --encoding cp1252."
        ) from None
    except OSError as error:
        raise Problem(f"{printable(path)} cannot be read: {error.strerror}") from None
    return digest.digest()
