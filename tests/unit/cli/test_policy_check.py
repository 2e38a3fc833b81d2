"""`phone-vault policy check`: what is no policy, and every fault of one."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from phone_vault.cli import main
from phone_vault.cli.policy import file
from phone_vault.local import sources
from tests.unit.cli.policies import written

FAULTY = b"""
mask = 3
[purposes.delivery]
lawful_basis = "because"
retention = {days = 0, from = "created"}
"""
NOT_A_POLICY = {
    "not TOML": (b"purposes: delivery", "is not TOML"),
    "not UTF-8": (b"version = 1\n# \xff", "is not UTF-8 (at line 2)"),
    "UTF-16": ("version = 1".encode("utf-16"), "is not UTF-8 (at line 1)"),
    "byte order mark": (b"\xef\xbb\xbfversion = 1", "byte order mark"),
    "NUL": (b"version = 1\0", "is not TOML"),
    "number of thousands of digits": (b"version = " + b"9" * 5000, "is not TOML"),
    "too deep": (b"version = " + b"[" * 100_000, "nested too deeply"),
    "too large": (b"#" * (2 << 20), "is larger than"),
    "empty": (b"", "purposes: must name at least one purpose"),
}


def faults_of(content: bytes, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    path = folder / "policy.toml"
    path.write_bytes(content)
    assert main(["policy", "check", str(path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


@pytest.mark.parametrize(("content", "message"), NOT_A_POLICY.values(), ids=NOT_A_POLICY.keys())
def test_what_is_no_policy_is_said_plainly(
    content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in faults_of(content, tmp_path, capsys)


def test_every_fault_is_reported_by_its_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = faults_of(FAULTY, tmp_path, capsys).splitlines()
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "mask",
        "purposes.delivery.lawful_basis",
        "purposes.delivery.retention.days",
    ]


def test_faults_are_counted_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert faults_of(FAULTY, tmp_path, capsys).splitlines()[0].endswith("policy.toml has 3 faults:")


def test_faults_are_told_to_machines_by_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(b'mask = 3\n"a: b" = 1\n' + FAULTY.replace(b"mask = 3", b""))
    assert main(["policy", "check", str(path), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], [fault["path"] for fault in answer["faults"]]) == (
        False,
        ["mask", "purposes.delivery.lawful_basis", "purposes.delivery.retention.days", "a: b"],
    )


def test_a_fault_does_not_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "\x1b" not in faults_of(b'"\\u001b[2J" = 1', tmp_path, capsys)


def test_a_file_that_is_missing_is_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(tmp_path / "none.toml")]) == 1
    assert "none.toml cannot be read: No such file or directory" in capsys.readouterr().err


def test_a_folder_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(tmp_path)]) == 1
    assert "Is a directory" in capsys.readouterr().err


def test_a_problem_is_told_to_machines_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(tmp_path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_a_dash_reads_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = Path(written(tmp_path)).read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert main(["policy", "check", "-"]) == 0
    assert "standard input has no faults" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["policy"], ["policy", "check"], ["policy", "check", "a", "b"], ["policy", "x"]])
def test_wrong_usage_has_a_code_of_its_own(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage: phone-vault" in capsys.readouterr().err


def test_the_shipped_policy_is_the_one_that_the_embedded_default_takes() -> None:
    assert file.shipped() == sources.policy()


def test_the_shipped_policy_has_no_faults() -> None:
    assert main(["policy", "check", str(file.shipped())]) == 0


def test_checking_imports_neither_boto3_nor_moto() -> None:
    code = (
        "import sys; from phone_vault.cli import main; code = main(['policy', 'check', sys.argv[1]]); "
        "sys.exit(code or any(name in sys.modules for name in ('boto3', 'botocore', 'moto')))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file.shipped())], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
