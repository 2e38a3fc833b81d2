"""The state machines as their definitions have them, and all ways through one."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from tests.infrastructure.templates import ROOT, STATE_MACHINES, Template, of_type

TEMPLATE_OF = {"Rotation": "lifecycle", "Purge": "retention"}
"""Where each is deployed from."""


@dataclass(frozen=True)
class Machine:
    """One of them, by its name."""

    name: str

    @property
    def template(self) -> str:
        return TEMPLATE_OF[self.name]

    @property
    def file(self) -> Path:
        return ROOT / f"infrastructure/state_machines/{self.name.lower()}.asl.yaml"

    @cached_property
    def definition(self) -> Template:
        definition: Template = yaml.safe_load(self.file.read_text())
        return definition

    @cached_property
    def properties(self) -> Template:
        """As it is deployed."""
        found: Template = of_type(self.template, "AWS::StepFunctions::StateMachine")[f"{self.name}StateMachine"]
        return dict(found["Properties"])

    @cached_property
    def states(self) -> Template:
        """Those of maps too."""
        return dict(_states(self.definition))

    def of_kind(self, kind: str) -> Template:
        """The states of a type, by name."""
        return {name: state for name, state in self.states.items() if state["Type"] == kind}

    def finished(self, most_rounds: int = 1) -> list[tuple[str, ...]]:
        """All ways from the first state to an end, failures aside, through each state so often at most."""
        return list(ways(self.definition, self.definition["StartAt"], most_rounds))


MACHINES = {name: Machine(name) for name in STATE_MACHINES}


def next_states(machine: Template, name: str) -> set[str]:
    """Where a state may lead, failures aside."""
    state = machine["States"][name]
    choices = [*state.get("Choices", ()), *state.get("Catch", ())]
    named = {state.get("Next"), state.get("Default"), *(way["Next"] for way in choices)} - {None}
    return {each for each in named if machine["States"][each]["Type"] != "Fail"}


def ways(machine: Template, start: str, most_rounds: int, taken: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """All ways from a state to an end."""
    if taken.count(start) == most_rounds:
        return
    taken = (*taken, start)
    onward = next_states(machine, start)
    if not onward:
        yield taken
    for each in onward:
        yield from ways(machine, each, most_rounds, taken)


def _states(machine: Template) -> Iterator[tuple[str, Template]]:
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from _states(state["ItemProcessor"])
