"""Cut off at each single step that writes something, and continued: the files are those of an undisturbed import."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from phone_vault.cli.aws import AwsOptions
from phone_vault.cli.importing import carry_out
from phone_vault.cli.importing.place import Place
from phone_vault.cli.importing.task import Import, Report
from tests.unit.cli.importing.files import NUMBER_AND_SUBJECT

LINES = [
    b'n,phone,id\r\n"a\nb",1,c-1\r\n',
    b"x,2,c-2\r\n",
    b"\r\n",
    b"x,bad,c-3\r\n",
    b"x,3\r\n",
    b"x,4,c-4\r\n",
    b"y,5,c-5",
]
FILES = ("output.csv", "rejects.csv")
TOKEN = re.compile(rb"tok_[0-9a-z]+")


class Killed(BaseException):
    """The process ends here, and nothing of it acts any more."""


class MemoryVault:
    """One token for each attempt, however often it is made, as for a tenant without an index."""

    identity = "memory"

    def __init__(self) -> None:
        self.tokens: set[str] = set()

    def invoke(self, payload: Mapping[str, Any]) -> Any:
        """Refuses `bad`."""
        return {"results": [self._protect(item) for item in payload["items"]]}

    def _protect(self, item: Mapping[str, str]) -> dict[str, Any]:
        if item["number"] == "bad":
            return {"problem": {"type": "urn:phone-vault:problem:invalid-number", "detail": "not a number"}}
        token = "tok_" + hashlib.sha256(f"{item['subject_id']} {item['idempotency_key']}".encode()).hexdigest()[:20]
        created = token not in self.tokens
        self.tokens.add(token)
        return {"token": token, "created": created}


class Interruptions:
    """Counts the steps that change a file, and ends the process at one of them: before it, or half-way through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
        self.at = at
        self.steps = 0
        write, make = os.pwrite, os.open

        def half_written(descriptor: int, content: bytes, offset: int) -> int:
            self.step(lambda: write(descriptor, content[: len(content) // 2], offset))
            return write(descriptor, content, offset)

        def made(path: Path, flags: int, mode: int = 0o777) -> int:
            if flags & os.O_CREAT:
                self.step(lambda: os.close(make(path, flags, mode)))
            return make(path, flags, mode)

        monkeypatch.setattr(os, "pwrite", half_written)
        monkeypatch.setattr(os, "open", made)
        for owner, name in ((os, "fsync"), (os, "ftruncate"), (Path, "unlink")):
            monkeypatch.setattr(owner, name, self._counted(getattr(owner, name)))

    def step(self, half: Callable[[], object] | None = None) -> None:
        self.steps += 1
        if self.steps == self.at:
            if half is not None:
                with suppress(OSError):
                    half()
            raise Killed

    def _counted(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            self.step()
            return original(*arguments, **more)

        return call


def task(folder: Path) -> Import:
    return Import(
        input=folder / "input.csv",
        output=folder / FILES[0],
        rejects=folder / FILES[1],
        kind="csv",
        encoding="utf-8",
        delimiter=",",
        fields=NUMBER_AND_SUBJECT,
        common={"purposes": {"account_security": {}}},
        place=Place(AwsOptions(), None),
        batch_size=2,
        concurrency=1,
    )


def run(folder: Path, vault: MemoryVault, monkeypatch: pytest.MonkeyPatch) -> Report:
    @contextmanager
    def the_vault(_place: Place) -> Iterator[MemoryVault]:
        yield vault

    monkeypatch.setattr(carry_out, "vault_at", the_vault)
    # Slow on purpose, and a hundred times here.
    monkeypatch.setattr(carry_out, "fingerprint", lambda content, salt: hashlib.sha256(content).hexdigest() + salt)
    return carry_out.carry_out(task(folder), silent=True)


def contents(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in FILES]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "input.csv").write_bytes(b"".join(LINES))
    return tmp_path


@pytest.fixture
def undisturbed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    with monkeypatch.context() as patch:
        report = run(folder, MemoryVault(), patch)
    assert (report.progress.counts.rows, report.progress.counts.created) == (6, 4)
    found = [TOKEN.sub(b"T", content) for content in contents(folder)]
    for path in folder.glob("*.csv*"):
        if path.name != "input.csv":
            path.unlink()
    return found


def test_the_undisturbed_import(undisturbed: list[bytes]) -> None:
    assert undisturbed[0].count(b"T") == 4
    assert undisturbed[1] == (b"line,reason\r\n6,invalid-number: not a number\r\n7,2 fields where the header has 3\r\n")


@pytest.mark.parametrize("second", [None, 4])
@pytest.mark.parametrize("first", range(1, 60))
def test_cut_off_at_any_step_it_ends_as_if_it_had_not_been(
    first: int, second: int | None, folder: Path, undisturbed: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = MemoryVault()
    for at in (first, second):
        if at is None:
            continue
        with monkeypatch.context() as patch:
            interruptions = Interruptions(patch, at)
            try:
                run(folder, vault, patch)
            except Killed:
                continue
            assert interruptions.steps < at
    with monkeypatch.context() as patch:
        report = run(folder, vault, patch)
    assert report.progress.complete
    assert [TOKEN.sub(b"T", content) for content in contents(folder)] == undisturbed
    assert report.progress.counts.rows == 6
    assert len(vault.tokens) == 4
    assert len(list(folder.iterdir())) == len(["input", "output", "rejects", "journal"])


def test_every_step_of_an_import_is_among_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        interruptions = Interruptions(patch, at=0)
        run(folder, MemoryVault(), patch)
    assert 30 < interruptions.steps < 60
