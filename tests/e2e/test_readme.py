"""Every example in the README runs, and prints what the README says."""

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, flags=re.DOTALL)
CONSOLES = re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
PROMPTED = re.compile(r"^\$ (.*\n(?:> .*\n)*)((?:(?!\$ ).*\n)*)", flags=re.MULTILINE)
COMMANDS = re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", README, flags=re.MULTILINE)


def test_every_python_block_of_the_readme_is_followed_by_its_output() -> None:
    assert len(EXAMPLES) == README.count("```python") > 0


@pytest.mark.parametrize(("code", "printed"), EXAMPLES, ids=[f"example {n}" for n, _ in enumerate(EXAMPLES, 1)])
def test_a_python_example_prints_what_the_readme_says(code: str, printed: str) -> None:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, "README.md", "exec"), {})  # noqa: S102  the README's own code
    got = output.getvalue()
    assert doctest.OutputChecker().check_output(printed, got, doctest.ELLIPSIS), got


@pytest.mark.parametrize("console", CONSOLES, ids=[f"console {n}" for n, _ in enumerate(CONSOLES, 1)])
def test_a_console_session_prints_what_the_readme_says(console: str, tmp_path: Path) -> None:
    (tmp_path / "functions").symlink_to(ROOT / "functions")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "COLUMNS": "110"}
    for command, printed in PROMPTED.findall(console):
        typed = re.sub(r"^> ", "", command, flags=re.MULTILINE)
        done = subprocess.run(typed, shell=True, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S602  the README's own commands
        assert doctest.OutputChecker().check_output(printed, done.stdout, doctest.ELLIPSIS), done.stdout


def test_every_make_target_that_the_readme_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {first or second for first, second in COMMANDS}
    assert {"demo", "test"} <= named
    assert all(re.search(rf"^{target}:", makefile, flags=re.MULTILINE) for target in named)


def test_every_folder_that_the_readme_draws_exists() -> None:
    tree = README.split("```text\ntemplate.yaml")[1].split("```")[0]
    packages = re.findall(r"^    (\w+)/", tree, flags=re.MULTILINE)
    assert packages
    assert all((ROOT / "functions" / "phone_vault" / name).is_dir() for name in packages)
