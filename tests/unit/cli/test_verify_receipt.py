"""`phone-vault verify receipt`: offline, in words, and with an exit code for whatever is wrong."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from phone_vault.cli import main
from phone_vault.domain.receipts import ReceiptKind
from tests.fake_signer import MemorySigner
from tests.unit.receipts import PURGED, TOKENS, receipt_of

SIGNER = MemorySigner()
ERASED = replace(PURGED, kind=ReceiptKind.ERASURE, tenant_id="acme", reason="by letter")
RECEIPT = receipt_of(ERASED, SIGNER)


class Files:
    """A receipt and a key on disk, and what the command says of them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capsys = capsys
        self.key = self._written("key.der", SIGNER.public_key())

    def verify(self, receipt: object, *more: str, key: Path | None = None) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        content = receipt if isinstance(receipt, bytes) else json.dumps(receipt).encode()
        path = self._written("receipt.json", content)
        code = main(["verify", "receipt", str(path), "--public-key", str(key or self.key), *more])
        told = self._capsys.readouterr()
        return code, " ".join(told.out.split()), told.err

    def key_as(self, content: bytes) -> Path:
        """Another one."""
        return self._written("other", content)

    def _written(self, name: str, content: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(content)
        return path


@pytest.fixture
def files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Files:
    return Files(tmp_path, capsys)


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_it_says_what_was_destroyed_when_that_is_final_and_what_it_excludes(files: Files, encoding: Encoding) -> None:
    code, told, errors = files.verify(RECEIPT, key=files.key_as(SIGNER.public_key_as(encoding)))
    assert (code, errors) == (0, "")
    for words in (
        "is genuine",
        RECEIPT["id"],
        "Of an erasure at 2026-01-01T00:00:00Z, of the tenant acme.",
        "Reason given: by letter",
        "Destroyed: the keys of 3 stored numbers and 1 message key.",
        "for marketing_sms: 1 number",
        "2026-01-08T00:00:00Z",
        "copies that somebody made outside the vault (on-demand backups, exports and replicas)",
    ):
        assert words in told


def test_until_it_is_final_it_says_so(files: Files) -> None:
    later = receipt_of(replace(ERASED, final_at=ERASED.at.replace(year=2900)), SIGNER)
    assert "until then a backup of the vault's own could bring keys back" in files.verify(later)[1]
    assert json.loads(files.verify(later, "--json")[1])["is_final"] is False
    assert json.loads(files.verify(RECEIPT, "--json")[1])["is_final"] is True


def test_the_answer_that_a_receipt_came_in_does_as_well(files: Files) -> None:
    assert files.verify({"receipt": RECEIPT, "erased": 3, "message_keys": 1, "blocked": []})[0] == 0


def test_a_token_is_found_among_the_leaves(files: Files) -> None:
    code, told, _ = files.verify(RECEIPT, "--token", TOKENS[0])
    assert (code, told.endswith("The token is among what was destroyed.")) == (0, True)


def test_a_token_that_is_not_among_them_is_a_problem(files: Files) -> None:
    other = "tok_3123456789abcdefghij"
    code, told, errors = files.verify(RECEIPT, "--token", other)
    assert (code, "NOT among" in told, "not among" in errors) == (1, True, True)
    code, told, _ = files.verify(RECEIPT, "--token", other, "--json")
    assert (code, json.loads(told)["ok"], json.loads(told)["token_is_among"]) == (1, False, False)


def test_without_leaves_nobody_can_tell_of_a_token(files: Files) -> None:
    without = {name: value for name, value in RECEIPT.items() if name != "leaves"}
    assert files.verify(without)[0] == 0
    code, _, errors = files.verify(without, "--token", TOKENS[0])
    assert (code, "has none of its leaves" in errors) == (1, True)


def test_that_of_an_off_boarding_names_no_token_and_speaks_for_the_whole_tenant(files: Files) -> None:
    receipt = receipt_of(replace(ERASED, kind=ReceiptKind.OFF_BOARDING), SIGNER)
    assert files.verify(receipt)[0] == 0
    code, _, errors = files.verify(receipt, "--token", TOKENS[0])
    assert (code, "it speaks for all that its tenant had" in errors) == (1, True)


def test_what_was_blocked_is_told_apart(files: Files) -> None:
    blocked = [{"token": TOKENS[0], "reason": "under-legal-hold"}, "\x1b[2J"]
    told = files.verify({**RECEIPT, "blocked": blocked})[1]
    assert "Beside what is signed: 2 records could not be destroyed" in told
    assert TOKENS[0] in told
    assert "\x1b" not in told


@pytest.mark.parametrize(
    ("receipt", "flaw", "words"),
    [
        ({**RECEIPT, "erased": 2}, "edited", "was changed after it was made"),
        ({**RECEIPT, "final_at": "2026-01-01T00:00:00Z"}, "edited", "was changed after it was made"),
        (receipt_of(ERASED, MemorySigner()), "other-key", "another key"),
        ({**receipt_of(ERASED, MemorySigner()), "fingerprint": RECEIPT["fingerprint"]}, "forged", "signature"),
        (json.dumps(RECEIPT).encode()[:-20], "cut", "does not read as JSON to its end"),
        ({**RECEIPT, "leaves": RECEIPT["leaves"][1:]}, "cut", "fewer leaves"),
        ({name: value for name, value in RECEIPT.items() if name != "reason"}, "cut", "lacks reason"),
        ({**RECEIPT, "leaves": [{**leaf, "salt": "00" * 16} for leaf in RECEIPT["leaves"]]}, "edited", "leaves"),
        ({**RECEIPT, "note": "\ud800"}, "edited", "not Unicode"),
        ({"receipt": {**RECEIPT, "note": "\ud800"}}, "edited", "not Unicode"),
        (b"", "cut", "JSON"),
    ],
    ids=[
        "a count",
        "a date",
        "another key",
        "forged",
        "cut",
        "a leaf less",
        "a field less",
        "salts",
        "no Unicode",
        "an answer that is no Unicode",
        "nothing",
    ],
)
def test_a_receipt_that_proves_nothing_is_refused_with_what_is_wrong(
    files: Files, receipt: object, flaw: str, words: str
) -> None:
    code, told, errors = files.verify(receipt)
    assert (code, told) == (1, "")
    assert words in errors
    code, told, _ = files.verify(receipt, "--json")
    assert (code, json.loads(told)["ok"], json.loads(told)["flaw"]) == (1, False, flaw)


def test_a_file_that_is_no_public_key_is_wrong_usage(files: Files) -> None:
    code, _, errors = files.verify(RECEIPT, key=files.key_as(b"receipt"))
    assert (code, "not a public key, neither as DER nor as PEM" in errors) == (2, True)


def test_without_a_public_key_is_wrong_usage(files: Files) -> None:
    assert main(["verify", "receipt", str(files.key)]) == 2


def test_files_that_are_not_there_are_problems(files: Files, tmp_path: Path) -> None:
    assert main(["verify", "receipt", str(tmp_path / "none"), "--public-key", str(files.key)]) == 1
    assert files.verify(RECEIPT, key=tmp_path / "none")[0] == 1


def test_the_help_says_where_the_key_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "receipt", "--help"]) == 0
    assert "aws kms get-public-key" in " ".join(capsys.readouterr().out.split())


def test_what_a_receipt_says_as_json(files: Files) -> None:
    said: dict[str, Any] = json.loads(files.verify(RECEIPT, "--json")[1])
    assert said["ok"] is True
    assert {name: said[name] for name in ("id", "kind", "counts", "by_purpose", "excludes")} == {
        name: RECEIPT[name] for name in ("id", "kind", "counts", "by_purpose", "excludes")
    }
