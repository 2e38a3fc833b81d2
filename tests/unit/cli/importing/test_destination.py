"""Output, rejects and journal: cut to what was committed, and nobody else's."""

import errno
import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from phone_vault.cli.importing.destination import Destination
from phone_vault.cli.importing.journal import Counts, Identity, Journal, Progress, fingerprint, new_salt
from phone_vault.cli.problem import Problem

IDENTITY = Identity("00", "input", "options", "vault")
BEGINNING = Progress(0, 1)


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test opens, a killed import included, is closed behind it."""
    made: list[Destination] = []
    make = Destination.__init__

    def remembered(self: Destination, output: Path, rejects: Path) -> None:
        make(self, output, rejects)
        made.append(self)

    monkeypatch.setattr(Destination, "__init__", remembered)
    yield
    for each in made:
        each.close()


def destination(folder: Path) -> Destination:
    return Destination(folder / "output.csv", folder / "rejects.csv")


def begun(folder: Path) -> Destination:
    made = destination(folder)
    assert made.earlier() is None
    made.begin(IDENTITY, BEGINNING)
    return made


def test_what_was_committed_is_there_and_what_was_not_is_cut_off(tmp_path: Path) -> None:
    first = begun(tmp_path)
    first.commit(b"one\n", b"r\n", Progress(4, 2))
    first.close()
    for name in ("output.csv", "rejects.csv"):
        with (tmp_path / name).open("ab") as file:
            file.write(b"half a li")
    second = destination(tmp_path)
    earlier = second.earlier()
    assert earlier is not None
    assert (earlier[0], earlier[1].offset, earlier[1].output_bytes, earlier[1].rejects_bytes) == (IDENTITY, 4, 4, 2)
    second.begin(*earlier)
    second.commit(b"two\n", b"", Progress(8, 3))
    second.close()
    assert (tmp_path / "output.csv").read_bytes() == b"one\ntwo\n"
    assert (tmp_path / "rejects.csv").read_bytes() == b"r\n"


@pytest.mark.parametrize("name", ["output.csv", "rejects.csv"])
def test_a_file_that_is_not_ours_is_refused_and_left_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"somebody's")
    made = destination(tmp_path)
    with pytest.raises(Problem, match="exists, and not from an import"):
        made.earlier()
    made.abandon()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"somebody's"


def test_before_the_first_commit_nothing_stays_behind(tmp_path: Path) -> None:
    begun(tmp_path).abandon()
    assert list(tmp_path.iterdir()) == []


def test_after_it_everything_does(tmp_path: Path) -> None:
    made = begun(tmp_path)
    made.commit(b"one\n", b"", Progress(4, 2))
    made.abandon()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output.csv", "output.csv.journal", "rejects.csv"]


def test_a_second_import_of_the_same_output_is_refused(tmp_path: Path) -> None:
    first = begun(tmp_path)
    with pytest.raises(Problem, match="another import is writing"):
        destination(tmp_path)
    first.close()


@pytest.mark.parametrize("content", [b"", b"o", b"own\n", b"own, and longer\n"])
def test_an_output_that_is_not_as_it_was_left_is_refused_and_left_alone(content: bytes, tmp_path: Path) -> None:
    first = begun(tmp_path)
    first.commit(b"one\n", b"", Progress(4, 2))
    first.close()
    (tmp_path / "output.csv").write_bytes(content)
    second = destination(tmp_path)
    earlier = second.earlier()
    assert earlier is not None
    with pytest.raises(Problem, match="not as the import left it"):
        second.begin(*earlier)
    second.abandon()
    assert (tmp_path / "output.csv").read_bytes() == content


def test_what_was_added_to_a_complete_output_is_left_alone(tmp_path: Path) -> None:
    first = begun(tmp_path)
    first.commit(b"one\n", b"", Progress(4, 2, complete=True))
    first.close()
    (tmp_path / "output.csv").write_bytes(b"one\nmine\n")
    second = destination(tmp_path)
    earlier = second.earlier()
    assert earlier is not None
    with pytest.raises(Problem, match="not as the import left it"):
        second.begin(*earlier)
    assert (tmp_path / "output.csv").read_bytes() == b"one\nmine\n"


def test_three_names_for_three_files(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="different files"):
        Destination(tmp_path / "x", tmp_path / "." / "x")


def test_a_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no regular file"):
        Destination(Path("/dev/full"), tmp_path / "rejects")


def test_only_the_owner_reads_what_stands_beside_the_numbers(tmp_path: Path) -> None:
    begun(tmp_path).close()
    assert (tmp_path / "output.csv").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("call", range(5))
def test_a_disk_that_fills_up_at_any_step_is_told_and_leaves_what_was_committed(
    call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = begun(tmp_path)
    made.commit(b"one\n", b"r\n", Progress(4, 2))
    sync, calls = os.fsync, iter(range(100))

    def full(descriptor: int) -> None:
        if next(calls) == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    # The fourth is the directory's: the journal is in place by then, and what it names is on the disk.
    expectation = pytest.raises(Problem, match="No space left on device") if call < 4 else nullcontext()
    with expectation:
        made.commit(b"two\n", b"s\n", Progress(8, 3))
    made.close()
    monkeypatch.undo()
    again = destination(tmp_path)
    earlier = again.earlier()
    assert earlier is not None
    again.begin(*earlier)
    again.close()
    content = ((tmp_path / "output.csv").read_bytes(), (tmp_path / "rejects.csv").read_bytes(), earlier[1].offset)
    assert content == ((b"one\ntwo\n", b"r\ns\n", 8) if call >= 3 else (b"one\n", b"r\n", 4))


@pytest.mark.parametrize("text", ["", "x", "{}", "[]", "7", '{"version": 1}', '{"version": 1, "progress": 7}'])
def test_a_journal_that_is_none_is_a_problem(text: str, tmp_path: Path) -> None:
    (tmp_path / "journal").write_text(text)
    with pytest.raises(Problem, match="not the journal"):
        Journal(tmp_path / "journal").read()


def test_a_journal_of_another_version_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text('{"version": 2}')
    with pytest.raises(Problem, match="another version"):
        Journal(tmp_path / "journal").read()


def test_a_journal_reads_as_it_was_written(tmp_path: Path) -> None:
    journal, progress = (
        Journal(tmp_path / "journal"),
        Progress(7, 3, 5, 2, "a", "b", Counts(2, 1, 0, 0, {"x": 1}), complete=True),
    )
    journal.write(IDENTITY, progress)
    assert journal.read() == (IDENTITY, progress)


def test_fingerprints_of_one_content_differ_by_their_salt() -> None:
    salt = new_salt()
    assert fingerprint(b"x", salt) == fingerprint(b"x", salt) != fingerprint(b"x", new_salt())
