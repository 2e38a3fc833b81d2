"""`phone-vault import` as a trial: on embedded vaults of its own, each of which ends with its run."""

import csv
from pathlib import Path

import pytest

from phone_vault.cli import main
from phone_vault.local import LocalCloud
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


def test_another_vault_of_the_same_name_is_another_vault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_csv(tmp_path / "people.csv", 3)
    ends = []
    for _ in range(2):
        with LocalCloud():
            ends.append(main(["import", str(tmp_path / "people.csv"), *COLUMNS, "--stack-name", "phone-vault"]))
    assert ends == [0, 1]
    assert "the import began with another vault" in capsys.readouterr().err
