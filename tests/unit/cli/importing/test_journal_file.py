"""The journal: whole at any moment, and never believed when it is not what was written."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phone_vault.cli.importing import journal_file
from phone_vault.cli.importing.journal import Counts, Entry, Identity, Progress, as_text
from phone_vault.cli.importing.journal_file import PLACE_BYTES, JournalFile, place
from phone_vault.cli.problem import Problem

PROGRESS = Progress(7, 3, 5, 2, "a" * 64, "b" * 64, Counts(2, 1, 0, 0, {"x": 1}), complete=True)
ENTRY = Entry(Identity("0" * 32, "input", "options", "vault"), PROGRESS)


def at_line(line: int) -> Entry:
    return replace(ENTRY, progress=replace(PROGRESS, line=line))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def read(path: Path) -> Entry | None:
    journal = JournalFile(path)
    try:
        return journal.read()
    finally:
        journal.close()


def write(path: Path, *entries: Entry) -> None:
    journal = JournalFile(path)
    journal.read()
    for each in entries:
        journal.write(each)
    journal.close()


def test_it_reads_as_it_was_written(path: Path) -> None:
    write(path, ENTRY)
    assert read(path) == ENTRY


@pytest.mark.parametrize("turns", range(1, 6))
def test_the_last_of_several_counts_also_after_it_was_opened_again(turns: int, path: Path) -> None:
    for line in range(1, turns + 1):
        write(path, at_line(line))
    assert read(path) == at_line(turns)
    assert path.stat().st_size <= 2 * PLACE_BYTES


@pytest.mark.parametrize("cut", [1, 30, 200, 500])
@pytest.mark.parametrize("turns", [2, 3])
def test_behind_a_write_that_was_cut_off_the_one_before_counts(turns: int, cut: int, path: Path) -> None:
    write(path, *map(at_line, range(1, turns + 1)))
    content, torn = bytearray(path.read_bytes()), place(turns + 1, at_line(99))[:cut]
    at = turns % 2 * PLACE_BYTES
    content[at : at + cut] = torn
    path.write_bytes(content)
    assert read(path) == at_line(turns)


@pytest.mark.parametrize("length", [0, 1, 30, 200, PLACE_BYTES - 1])
def test_a_first_write_that_was_cut_off_is_none(length: int, path: Path) -> None:
    path.write_bytes(place(1, ENTRY)[:length])
    assert read(path) is None


def problem_of(path: Path) -> str:
    with pytest.raises(Problem) as problem:
        read(path)
    return str(problem.value)


@pytest.mark.parametrize(
    "content", [b"x", b"{}", b"\xff" * 100, b"x" * 3 * PLACE_BYTES, b"[" * 2 * PLACE_BYTES, b"\n" * PLACE_BYTES]
)
def test_a_file_that_is_no_journal_is_a_problem(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    assert "the journal does not read" in problem_of(path)
    assert path.read_bytes() == content


def test_every_byte_of_it_is_under_its_digest(path: Path) -> None:
    write(path, ENTRY)
    content = path.read_bytes()
    for at in range(27, len(content.rstrip(b"\n"))):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert problem_of(path)


NO_TEXTS: list[Any] = [None, 7, [], {}]
NO_COUNTS: list[Any] = [-1, 1.5, True, "1", None, []]
NO_DIGESTS: list[Any] = ["", "g" * 64, 7, None, "A" * 64]
NO_REJECTS: list[Any] = [[], {"x": "1"}, {"x": -1}, None, {"x": 7}]
SAID: dict[str, Any] = json.loads(as_text(ENTRY))


def changed(where: str, value: Any) -> str:
    said = json.loads(json.dumps(SAID))
    *way, last = where.split(".")
    part = said
    for step in way:
        part = part[step]
    part[last] = value
    return json.dumps(said)


@pytest.mark.parametrize(
    "said",
    [
        *("", "x", "{}", "[]", "7", "null", '{"identity": {}, "progress": {}}', "[" * 1500, "9" * 3000),
        *(changed(f"identity.{name}", value) for name in ("salt", "input", "options", "vault") for value in NO_TEXTS),
        *(changed("identity.salt", value) for value in ("", "0" * 31, "G" * 32, "0" * 32 + "\n")),
        *(
            changed(f"progress.{name}", value)
            for name in ("offset", "line", "output_bytes", "rejects_bytes", "counts.rows", "counts.created")
            for value in NO_COUNTS
        ),
        changed("progress.line", 0),
        *(changed("progress.output_digest", value) for value in NO_DIGESTS),
        *(changed("progress.complete", value) for value in (0, "yes")),
        *(changed("progress.counts", value) for value in NO_TEXTS),
        *(changed("progress.counts.rejected", value) for value in NO_REJECTS),
        *(changed(f"{part}.surplus", 1) for part in ("identity", "progress", "progress.counts")),
    ],
)
def test_whoever_makes_a_digest_that_fits_is_not_believed_either(
    said: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "as_text", lambda _entry: said)
    path.write_bytes(place(1, ENTRY))
    assert "the journal does not read" in problem_of(path)


def test_a_journal_of_another_version_is_a_problem(path: Path) -> None:
    path.write_bytes(place(1, ENTRY).replace(b"journal 2", b"journal 3"))
    assert "another version" in problem_of(path)


def test_more_than_has_room_is_a_problem_and_the_journal_stays(path: Path) -> None:
    write(path, ENTRY)
    many = Counts(rejected={f"kind-{number}": 0 for number in range(1000)})
    with pytest.raises(Problem, match="no room"):
        place(2, replace(ENTRY, progress=replace(PROGRESS, counts=many)))
    assert read(path) == ENTRY
