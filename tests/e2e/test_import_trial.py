"""`phone-vault import` as a trial: on embedded vaults of its own, each of which ends with its run."""

import csv
from pathlib import Path

import pytest

from phone_vault.cli import main
from tests.import_rows import COLUMNS, write_csv


def test_a_trial_on_an_embedded_vault_that_is_gone_begins_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_csv(tmp_path / "people.csv", 10)
    outputs = []
    for began_anew in (False, True):
        assert main(["import", str(tmp_path / "people.csv"), *COLUMNS]) == 0
        assert ("began anew" in capsys.readouterr().out) is began_anew
        with (tmp_path / "people.tokens.csv").open(encoding="utf-8", newline="") as file:
            outputs.append([row["number"] for row in csv.DictReader(file)])
    first, second = map(set, outputs)
    assert len(first) == len(second) == 10
    assert first.isdisjoint(second)
