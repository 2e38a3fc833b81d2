"""The journal's file: two places that are written by turns, so that one of them is whole at any moment.

Each place says which turn it was and has a digest over itself. A write that was cut off leaves a place that does not
read, beside the one of the turn before, which then counts. The file keeps its name and its length: nothing beside it is
ever replaced, and a full disk does not keep an import from saying how far it has come.
"""

import hashlib
from pathlib import Path

from phone_vault.cli.importing.journal import Entry, as_text, from_text
from phone_vault.cli.importing.own_files import found_or_made
from phone_vault.cli.printable import printable
from phone_vault.cli.problem import Problem

PLACE_BYTES = 4096
_PLACES = 2
_KIND = b"phone-vault import journal "
_VERSION = b"2\n"
_BEGINNING = _KIND + _VERSION


class JournalFile:
    """Open, and locked against a second import of the same output."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = found_or_made(path)
        self._turn = 0

    def read(self) -> Entry | None:
        """None when nothing has been written yet, or the very first write was cut off."""
        content = self._file.read(_PLACES * PLACE_BYTES + 1, 0)
        if content.startswith(_KIND) and not content.startswith(_BEGINNING) and len(content) >= len(_BEGINNING):
            raise Problem(f"{printable(self.path)} is the journal of another version of this command")
        if len(content) < PLACE_BYTES and _BEGINNING.startswith(content[: len(_BEGINNING)]):
            return None
        found = latest(content)
        if found is None:
            raise Problem(
                f"the journal does not read: {printable(self.path)} is damaged, or not the journal of an import"
            )
        self._turn, entry = found
        return entry

    def write(self, entry: Entry) -> None:
        """On the disk when it returns."""
        content = place(self._turn + 1, entry)
        self._file.write(content, self._turn % _PLACES * PLACE_BYTES)
        self._turn += 1

    def remove_if_new(self) -> None:
        """Unless it was there before."""
        self._file.remove_if_new()

    def close(self) -> None:
        """And unlock."""
        self._file.close()


def place(turn: int, entry: Entry) -> bytes:
    """What is written at a turn, the first being 1; `Problem` for more than has room."""
    said = f"{turn} {as_text(entry)}\n".encode()
    content = _BEGINNING + hashlib.sha256(said).hexdigest().encode() + b"\n" + said
    if len(content) > PLACE_BYTES:
        raise Problem("the journal has no room for so many kinds of rejects")
    return content.ljust(PLACE_BYTES, b"\n")


def latest(content: bytes) -> tuple[int, Entry] | None:
    """The last turn that reads, of a whole journal; None when there is none."""
    if len(content) > _PLACES * PLACE_BYTES:
        return None
    places = (content[at : at + PLACE_BYTES] for at in range(0, len(content), PLACE_BYTES))
    return max(filter(None, map(_read, places)), key=lambda found: found[0], default=None)


def _read(content: bytes) -> tuple[int, Entry] | None:
    digest, _, said = content.removeprefix(_BEGINNING).partition(b"\n")
    said = said.rstrip(b"\n") + b"\n"
    if not content.startswith(_BEGINNING) or hashlib.sha256(said).hexdigest().encode() != digest:
        return None
    turn, _, text = said.partition(b" ")
    try:
        return int(turn), from_text(text.decode())
    except ValueError:
        return None
