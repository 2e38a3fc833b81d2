"""State machines whose definitions are files of their own."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from phone_vault.local import LocalCloud
from phone_vault.local.translate import translation

PARENT = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Nested:
    Type: AWS::Serverless::Application
    Properties:
      Location: infrastructure/rotation.yaml
"""
NESTED = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Rotation:
    Type: AWS::Serverless::StateMachine
    Properties:
      Name: phone-vault-Work
      Role: arn:aws:iam::123456789012:role/workflow
      DefinitionUri: state_machines/rotation.asl.yaml
      DefinitionSubstitutions:
        Word: hello
"""
DEFINITION = """
StartAt: Say
States:
  Say:
    Type: Pass
    Result: ${Word}
    ResultPath: $.said
    Next: Drop
  Drop:
    Type: Pass
    Result: dropped
    ResultPath: null
    End: true
"""


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    """A template; its nested one lies in a folder, and the definition in a folder beside that."""
    for name, text in {
        "template.yaml": PARENT,
        "infrastructure/rotation.yaml": NESTED,
        "infrastructure/state_machines/rotation.asl.yaml": DEFINITION,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path / "template.yaml"


def _machine(parent: Path) -> dict[str, Any]:
    resources = json.loads(translation(parent).nested["rotation.json"])["Resources"]
    properties: dict[str, Any] = resources["Rotation"]["Properties"]
    return properties


def _definition(parent: Path) -> dict[str, Any]:
    separator, lines = _machine(parent)["DefinitionString"]["Fn::Join"]
    definition: dict[str, Any] = json.loads(separator.join(lines))
    return definition


def test_a_definition_is_found_beside_the_template_that_names_it(parent: Path) -> None:
    assert _definition(parent)["States"]["Say"]["Result"] == "${Word}"


def test_a_definitions_nulls_are_kept(parent: Path) -> None:
    assert _definition(parent)["States"]["Drop"]["ResultPath"] is None


def test_a_definition_that_changes_is_read_again(parent: Path) -> None:
    before = _definition(parent)
    path = parent.parent / "infrastructure/state_machines/rotation.asl.yaml"
    path.write_text(DEFINITION.replace("dropped", "changed"))
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))
    assert (before["States"]["Drop"]["Result"], _definition(parent)["States"]["Drop"]["Result"]) == (
        "dropped",
        "changed",
    )


def test_a_translated_machine_runs(parent: Path, cloud: LocalCloud) -> None:
    nested = translation(parent).nested["rotation.json"]
    cloud.client("cloudformation").create_stack(StackName="rotation", TemplateBody=nested)
    assert cloud.execute("Work", {"kept": 1}) == {"kept": 1, "said": "hello"}
