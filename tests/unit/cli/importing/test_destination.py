"""Output, rejects and journal: cut to what was committed, and nobody else's."""

import errno
import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from phone_vault.cli.importing.destination import Destination
from phone_vault.cli.importing.journal import Identity, Progress, fingerprint, new_salt
from phone_vault.cli.problem import Problem

IDENTITY = Identity("0" * 32, "input", "options", "vault")
BEGINNING = Progress(0, 1)


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test opens, a killed import included, is closed behind it."""
    made: list[Destination] = []
    make = Destination.__init__

    def remembered(self: Destination, output: Path, rejects: Path, source: Path) -> None:
        make(self, output, rejects, source)
        made.append(self)

    monkeypatch.setattr(Destination, "__init__", remembered)
    yield
    for each in made:
        each.close()


def destination(folder: Path) -> Destination:
    return Destination(folder / "output.csv", folder / "rejects.csv", folder / "input.csv")


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
    progress = earlier.progress
    assert (earlier.identity, progress.offset, progress.output_bytes, progress.rejects_bytes) == (IDENTITY, 4, 4, 2)
    second.begin(earlier.identity, progress)
    second.commit(b"two\n", b"", Progress(8, 3))
    second.close()
    assert (tmp_path / "output.csv").read_bytes() == b"one\ntwo\n"
    assert (tmp_path / "rejects.csv").read_bytes() == b"r\n"


@pytest.mark.parametrize("content", [b"somebody's", b""])
@pytest.mark.parametrize("name", ["output.csv", "rejects.csv"])
def test_a_file_that_is_not_ours_is_refused_and_left_alone(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    made = destination(tmp_path)
    with pytest.raises(Problem, match="exists, and not from an import"):
        made.earlier()
    made.abandon()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize("name", ["output.csv", "rejects.csv", "output.csv.journal"])
def test_a_link_is_not_followed_not_even_one_to_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Problem, match=r"exists, and not from|is a symbolic link"):
        begun(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_what_takes_a_name_between_looking_and_making_is_left_alone(tmp_path: Path) -> None:
    made = destination(tmp_path)
    made.earlier()
    (tmp_path / "rejects.csv").write_bytes(b"somebody's")
    with pytest.raises(Problem, match="File exists"):
        made.begin(IDENTITY, BEGINNING)
    made.abandon()
    assert [path.name for path in tmp_path.iterdir()] == ["rejects.csv"]
    assert (tmp_path / "rejects.csv").read_bytes() == b"somebody's"


def test_what_has_taken_our_files_name_is_left_alone(tmp_path: Path) -> None:
    made = begun(tmp_path)
    (tmp_path / "output.csv").unlink()
    (tmp_path / "output.csv").write_bytes(b"somebody's")
    made.abandon()
    assert [path.name for path in tmp_path.iterdir()] == ["output.csv"]


def test_without_the_folder_of_the_rejects_nothing_is_left(tmp_path: Path) -> None:
    made = Destination(tmp_path / "output.csv", tmp_path / "none" / "rejects.csv", tmp_path / "input.csv")
    assert made.earlier() is None
    with pytest.raises(Problem, match=r"cannot write to .*rejects.csv: No such file"):
        made.begin(IDENTITY, BEGINNING)
    made.abandon()
    assert list(tmp_path.iterdir()) == []


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
        second.begin(earlier.identity, earlier.progress)
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
        second.begin(earlier.identity, earlier.progress)
    assert (tmp_path / "output.csv").read_bytes() == b"one\nmine\n"


@pytest.mark.parametrize(
    ("output", "rejects", "source"),
    [("x", "./x", "in"), ("x", "y", "x"), ("x", "y", "y"), ("x", "x.journal", "in"), ("x", "y", "x.journal")],
)
def test_each_of_the_four_files_is_another(output: str, rejects: str, source: str, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="different files"):
        Destination(tmp_path / output, tmp_path / rejects, tmp_path / source)
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "output.csv.journal")
    with pytest.raises(Problem, match="no regular file"):
        destination(tmp_path)


def test_only_the_owner_reads_what_stands_beside_the_numbers(tmp_path: Path) -> None:
    begun(tmp_path).close()
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "output.csv": 0o600,
        "rejects.csv": 0o600,
        "output.csv.journal": 0o600,
    }


@pytest.mark.parametrize("call", range(4))
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
    # The third is the journal's: what it says is in the file by then, and so is what it speaks of.
    expectation = pytest.raises(Problem, match="No space left on device") if call < 3 else nullcontext()
    with expectation:
        made.commit(b"two\n", b"s\n", Progress(8, 3))
    made.close()
    monkeypatch.undo()
    again = destination(tmp_path)
    earlier = again.earlier()
    assert earlier is not None
    again.begin(earlier.identity, earlier.progress)
    again.close()
    content = ((tmp_path / "output.csv").read_bytes(), (tmp_path / "rejects.csv").read_bytes(), earlier.progress.offset)
    assert content == ((b"one\ntwo\n", b"r\ns\n", 8) if call >= 2 else (b"one\n", b"r\n", 4))


def test_fingerprints_of_one_content_differ_by_their_salt() -> None:
    salt = new_salt()
    assert fingerprint(b"x", salt) == fingerprint(b"x", salt) != fingerprint(b"x", new_salt())
