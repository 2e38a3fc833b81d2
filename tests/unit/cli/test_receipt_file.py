"""Receipts as files."""

import json
from pathlib import Path

import pytest

from phone_vault.cli.executing.receipt_file import ReceiptFile
from phone_vault.cli.problem import Problem

RECEIPT = {"id": "rcpt_0a1b", "kind": "purge", "reason": "é"}


def test_it_is_named_by_kind_and_id(tmp_path: Path) -> None:
    path = ReceiptFile(None, tmp_path).write(RECEIPT)
    assert (path.name, json.loads(path.read_text())) == ("purge-0a1b.receipt.json", RECEIPT)


def test_the_same_receipt_may_be_written_again(tmp_path: Path) -> None:
    ReceiptFile(None, tmp_path).write(RECEIPT)
    ReceiptFile(None, tmp_path).write(RECEIPT)
    assert [path.name for path in tmp_path.iterdir()] == ["purge-0a1b.receipt.json"]


def test_a_file_that_is_there_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    with pytest.raises(Problem, match="is there already"):
        ReceiptFile(tmp_path / "there")


def test_a_folder_that_is_not_there_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no receipt could be written"):
        ReceiptFile(tmp_path / "nowhere" / "receipt.json")


def test_a_receipt_that_cannot_be_written_is_told_whole(tmp_path: Path) -> None:
    file = ReceiptFile(tmp_path / "receipt.json")
    (tmp_path / "receipt.json").mkdir()
    with pytest.raises(Problem, match="rcpt_0a1b"):
        file.write(RECEIPT)
