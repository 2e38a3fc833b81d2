"""SAM templates to CloudFormation ones, as they would be after `sam build` and `sam package`."""

import copy
import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml
from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import intrinsics_multi_constructor

from phone_vault.local.place import REGION

ARTIFACTS = "phone-vault-artifacts"
CODE = "functions.zip"

Template = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Translation:
    """CloudFormation templates as JSON text: the parent, and the nested ones by their keys in the bucket."""

    parent: str
    nested: dict[str, str]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # with libyaml, ten times faster
    """A loader of our own: the translator's helper registers its constructors on everybody's."""


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)


def translation(parent: Path) -> Translation:
    """The parent and everything nested in it. Files that have not changed are translated once in a process."""
    source = _read(parent, _changed(parent))
    definitions = (
        _beside(parent, each["DefinitionUri"]) for each in _state_machines(source) if "DefinitionUri" in each
    )
    text, applications = _translated(parent, _changed(parent), tuple((path, _changed(path)) for path in definitions))
    nested: dict[str, str] = {}
    for path in applications:
        child = translation(path)
        nested |= {_key(path): child.parent, **child.nested}
    return Translation(text, nested)


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns


def _beside(template: Path, location: str) -> Path:
    return (template.parent / location).resolve()


@lru_cache(maxsize=64)
def _read(path: Path, _changed_ns: int) -> Template:
    """Not to be changed by whoever gets it."""
    source: Template = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506  # a safe loader's subclass
    return source


@lru_cache(maxsize=64)
def _translated(
    path: Path, changed_ns: int, _definitions: tuple[tuple[Path, int], ...]
) -> tuple[str, tuple[Path, ...]]:
    """A template as JSON text, and the paths of those nested directly in it."""
    source = copy.deepcopy(_read(path, changed_ns))
    applications = [(each, _beside(path, each["Location"])) for each in _applications(source)]
    for application, nested in applications:
        application["Location"] = f"https://s3.{REGION}.amazonaws.com/{ARTIFACTS}/{_key(nested)}"
    for function in _functions(source):
        if "CodeUri" in function:
            function["CodeUri"] = {"Bucket": ARTIFACTS, "Key": CODE}
    for machine in _state_machines(source):
        if "DefinitionUri" in machine:
            definition = _beside(path, machine.pop("DefinitionUri"))
            machine["Definition"] = copy.deepcopy(_read(definition, _changed(definition)))
    metrics = Metrics(metrics_publisher=DummyMetricsPublisher())
    # The translator asks the SDK for the region to find out the partition.
    with patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION}):
        translated: Template = Translator({}, Parser(), metrics=metrics).translate(source, {})
    metrics.publish()  # nowhere; otherwise it warns on stderr that it was not asked to
    return json.dumps(translated), tuple(nested for _, nested in applications)


def _key(path: Path) -> str:
    return path.with_suffix(".json").name


def _applications(source: Template) -> list[dict[str, Any]]:
    return _properties(source, "AWS::Serverless::Application")


def _functions(source: Template) -> list[dict[str, Any]]:
    return [source.get("Globals", {}).get("Function", {}), *_properties(source, "AWS::Serverless::Function")]


def _state_machines(source: Template) -> list[dict[str, Any]]:
    return _properties(source, "AWS::Serverless::StateMachine")


def _properties(source: Template, resource_type: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in source["Resources"].values() if each["Type"] == resource_type]
