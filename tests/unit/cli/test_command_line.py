import subprocess
import sys

import pytest

from phone_vault.cli import main


@pytest.mark.parametrize("argv", [[], ["no-such-command"], ["demo", "--no-such-option"], ["demo", "surplus"]])
def test_wrong_usage_is_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "usage: phone-vault" in err


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["demo", "--help"]])
def test_help_and_version_are_0(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 0
    assert "phone-vault" in capsys.readouterr().out


def in_a_process(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_help_loads_nothing_that_is_slow() -> None:
    code = """
import sys
from phone_vault.cli import main
assert main(["--help"]) == 0
assert not {"boto3", "moto", "phonenumbers", "samtranslator", "tqdm"} & set(sys.modules), "slow"
"""
    done = in_a_process(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("argv", [["demo"], ["demo", "--json"]])
def test_without_the_embedded_aws_it_says_what_to_install(argv: list[str]) -> None:
    code = f"""
import sys
sys.modules["moto"] = None
from phone_vault.cli import main
sys.exit(main({argv}))
"""
    done = in_a_process(code)
    assert done.returncode == 1
    assert "pip install '.[local]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupt_ends_a_command_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("phone_vault.cli.demo._tour", lambda _console: interrupted())
    assert main(["demo"]) == 1
    assert capsys.readouterr().err == "phone-vault: interrupted\n"
