"""The journal: how far an import has come, so that it goes on after any interruption."""

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from phone_vault.cli.problem import Problem

_VERSION = 1
_SALT_BYTES = 16

EMPTY = hashlib.sha256().hexdigest()


@dataclass(frozen=True, slots=True)
class Identity:
    """What an import may be continued with only: the same input, the same options, the same vault."""

    salt: str
    input: str
    options: str
    vault: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Of the rows up to the journal's offset."""

    rows: int = 0
    created: int = 0
    known: int = 0
    """Numbers that the vault had already for their subjects, rows of an interrupted batch among them."""
    formula_like: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    """By kind."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Up to where everything is on the disk."""

    offset: int
    """Of the input, in bytes."""
    line: int
    """Of the input, at that offset."""
    output_bytes: int = 0
    rejects_bytes: int = 0
    output_digest: str = EMPTY
    """SHA-256: by it an output is known again as ours. Nothing is guessed from it, because tokens are random."""
    rejects_digest: str = EMPTY
    counts: Counts = Counts()
    complete: bool = False


class Journal:
    """A small file that is replaced as a whole, so that a reader finds the old state or the new one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._next = path.with_name(f"{path.name}.next")

    def read(self) -> tuple[Identity, Progress] | None:
        """None when there is none."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Problem(f"{self.path} cannot be read: {error.strerror}") from None
        try:
            content = json.loads(text)
            if content.pop("version") != _VERSION:
                raise Problem(f"{self.path} is of another version of this command")
            counts = Counts(**content["progress"].pop("counts"))
            return Identity(**content["identity"]), Progress(**content["progress"], counts=counts)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Problem(f"{self.path} is not the journal of an import") from None

    def write(self, identity: Identity, progress: Progress) -> None:
        """On the disk when it returns: content first, then the name that leads to it."""
        text = json.dumps({"version": _VERSION, "identity": asdict(identity), "progress": asdict(progress)})
        with self._next.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self._next.replace(self.path)
        sync_directory(self.path.parent)

    def remove(self) -> None:
        """And what an interrupted write may have left."""
        self.path.unlink(missing_ok=True)
        self._next.unlink(missing_ok=True)


def new_salt() -> str:
    """Another one for each import."""
    return secrets.token_hex(_SALT_BYTES)


def fingerprint(content: bytes, salt: str) -> str:
    """scrypt, because the journal stays where it is: from a mere digest a file of one number would be guessed.

    50 ms and 16 MB a guess (RFC 7914, N = 2^14, r = 8).
    """
    return hashlib.scrypt(content, salt=bytes.fromhex(salt), n=2**14, r=8, p=1, dklen=32).hex()


def options_digest(options: Mapping[str, Any]) -> bytes:
    """Of everything that decides what a row becomes."""
    return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).digest()


def sync_directory(path: Path) -> None:
    """A new name is on the disk when its directory is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
