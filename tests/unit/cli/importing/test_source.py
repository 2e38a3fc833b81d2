"""Inputs that do not do are problems before anything is written."""

import codecs
import os
from pathlib import Path

import pytest

from phone_vault.cli.importing.source import CHUNK, opened
from phone_vault.cli.problem import Problem


def problem_of(path: Path, encoding: str = "utf-8") -> str:
    with pytest.raises(Problem) as problem, opened(path, encoding):
        pass
    return str(problem.value)


def test_a_missing_file(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in problem_of(tmp_path / "none.csv")


def test_a_folder(tmp_path: Path) -> None:
    assert "cannot be read" in problem_of(tmp_path)


def test_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "no regular file" in problem_of(pipe)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (codecs.BOM_UTF16_LE + "phone".encode("utf-16-le"), "UTF-16"),
        ("phone".encode("utf-16-be"), "UTF-16"),
        ("phone".encode("utf-32"), "UTF-16 or UTF-32"),
        (b"phone\n\xe9\n", "is not utf-8 throughout"),
        (b"phone\n" * 300_000 + b"\xe9\n", "is not utf-8 throughout"),
        (b"phone\n\xc3", "is not utf-8 throughout"),
    ],
)
def test_a_content_that_does_not_do(content: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "input.csv"
    path.write_bytes(content)
    assert what in problem_of(path)


def test_the_line_of_the_first_fault_is_told_however_far_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "input.csv"
    lines = 2 * CHUNK // len(b"phone\n")
    path.write_bytes(b"phone\n" * lines + b"\xff\n")
    assert f"the first fault is in line {lines + 1:,}" in problem_of(path)


def test_a_file_that_changes_under_the_import_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "input.csv"
    path.write_bytes(b"phone\n1\n")
    with opened(path, "utf-8") as source:
        source.require_unchanged()
        path.write_bytes(b"phone\n12\n")
        with pytest.raises(Problem, match="has changed while it was read"):
            source.require_unchanged()


def test_a_file_that_was_changed_and_dated_back_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "input.csv"
    path.write_bytes(b"phone\n1\n")
    before = path.stat()
    with opened(path, "utf-8") as source:
        path.write_bytes(b"phone\n2\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(Problem, match="has changed while it was read"):
            source.require_unchanged()


def test_a_files_name_does_not_steer_the_terminal(tmp_path: Path) -> None:
    assert "\x1b" not in problem_of(tmp_path / "\x1b[2J.csv")
