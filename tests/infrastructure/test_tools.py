"""What outside tools say about the templates, as written and as translated."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.infrastructure.roles import OTHER_ROLES, ROLES
from tests.infrastructure.templates import ROOT, SOURCES, STATE_MACHINES, resolve, translation

pytestmark = pytest.mark.template

TOOLS = Path(sys.executable).parent
CHECKOV_SETTINGS = Path(__file__).with_name("checkov.yaml")


def run(tool: str, *arguments: str | Path) -> str:
    """What the tool prints; fails with it when the tool objects."""
    assert (TOOLS / tool).exists(), f"{tool} is not installed here: make check-template installs it"
    done = subprocess.run(
        [TOOLS / tool, *arguments],
        cwd=ROOT,
        env=os.environ | {"AWS_DEFAULT_REGION": "eu-west-1", "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def translations(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("translated")
    paths = [folder / f"{name}.json" for name in SOURCES]
    for path in paths:
        path.write_text(json.dumps(translation(path.stem), indent=1))
    return paths


def test_cfn_lint_has_nothing_to_say_about_the_sources() -> None:
    run("cfn-lint", "--regions", "eu-west-1", "--", *SOURCES.values())


def test_cfn_lint_has_nothing_to_say_about_the_translation(translations: list[Path]) -> None:
    run("cfn-lint", "--regions", "eu-west-1", "--", *translations)


def test_sam_finds_the_template_valid() -> None:
    for path in SOURCES.values():
        run("sam", "validate", "--lint", "--template", path)


def test_checkov_finds_nothing_in_the_sources_but_what_is_skipped_with_a_reason() -> None:
    files = [argument for path in SOURCES.values() for argument in ("--file", str(path))]
    run("checkov", "--config-file", CHECKOV_SETTINGS, *files)


def test_checkov_finds_nothing_in_the_translation_but_what_is_skipped_with_a_reason(
    translations: list[Path],
) -> None:
    run("checkov", "--config-file", CHECKOV_SETTINGS, "--directory", translations[0].parent)


def test_every_skip_of_checkov_carries_a_reason_and_is_needed(translations: list[Path]) -> None:
    skips = yaml.safe_load(CHECKOV_SETTINGS.read_text())["skip-check"]
    with_reason = re.findall(r"^  - (CKV\w+) # \w.{20,}$", CHECKOV_SETTINGS.read_text(), re.MULTILINE)
    assert with_reason == skips
    found = json.loads(
        run(
            "checkov",
            *("--framework", "cloudformation"),
            *("--output", "json"),
            *("--directory", str(translations[0].parent)),
            *("--skip-download", "--quiet", "--compact", "--soft-fail"),
        )
    )
    assert {check["check_id"] for check in found["results"]["failed_checks"]} == set(skips)


def test_parliament_finds_every_role_policy_sound(tmp_path: Path) -> None:
    """But for the state machines': it objects to what Step Functions asks for, which test_state_machines bounds."""
    for name, role in (ROLES | OTHER_ROLES).items():
        if name.removesuffix("Role") in STATE_MACHINES:
            continue
        for policy in role["Properties"]["Policies"]:
            path = tmp_path / f"{name}-{policy['PolicyName']}.json"
            path.write_text(json.dumps(resolve(policy["PolicyDocument"])))
    run("parliament", "--directory", str(tmp_path), "--include-community-auditors")
