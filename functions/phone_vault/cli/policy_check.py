"""`phone-vault policy check`: every fault of a vault policy, or the policy in words."""

import argparse
import shutil
import textwrap
from typing import Any

from phone_vault.cli.console import Console, Terminal
from phone_vault.cli.output import print_json
from phone_vault.cli.policy import file
from phone_vault.cli.policy.document import as_json
from phone_vault.cli.policy.principals import nobody, principals
from phone_vault.cli.policy.purging import purging
from phone_vault.cli.policy.purposes import purposes
from phone_vault.cli.policy.release import NOT_ACTED_ON, not_acted_on
from phone_vault.cli.policy.rotation import rotation
from phone_vault.cli.policy.showing import masks_guesses_and_caches
from phone_vault.cli.policy.tenants import tenants
from phone_vault.cli.policy.words import Section, counted
from phone_vault.cli.printable import printable
from phone_vault.domain.policy import VaultPolicy

_ABOUT = (
    "Checks a vault policy as the functions do when they start, and reports every fault by its path. A policy without "
    "faults is told in words: purposes with their lawful basis and retention, tenants, who may do what and what nobody "
    "may, masks, guesses and caches, when keys are rotated, what is purged, and the settings that have no effect yet "
    "in this release. It asks no AWS."
)
_WIDEST = 110
_INDENTATION = 2


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command, in a group of its own."""
    group = commands.add_parser("policy", help="check a vault policy and explain it in words")
    actions = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    parser = actions.add_parser("check", help="every fault, or the policy in words", description=_ABOUT)
    parser.add_argument("file", metavar="FILE", help="the policy, in TOML; - reads standard input")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """A `Problem` unless the policy could be deployed as it is."""
    policy = file.read(arguments.file)
    if arguments.json:
        print_json(_explained(arguments.file, policy))
        return
    console = Terminal()
    console.say(
        f"{file.name_of(arguments.file)} has no faults: {counted(len(policy.purposes), 'purpose')}, "
        f"{counted(len(policy.tenants), 'tenant')} with settings of their own, "
        f"{counted(len(policy.principals), 'principal')}."
    )
    for section in _sections(policy):
        _show(console, section)


def _sections(policy: VaultPolicy) -> list[Section]:
    return [
        purposes(policy),
        tenants(policy),
        principals(policy),
        nobody(policy),
        masks_guesses_and_caches(policy),
        rotation(policy),
        purging(policy),
        not_acted_on(policy),
    ]


def _show(console: Console, section: Section) -> None:
    width = min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST) - _INDENTATION
    wrap = textwrap.TextWrapper(
        width, initial_indent="  ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    ).wrap
    console.section(section.title, section.introduction)
    for entry in section.entries:
        console.say(printable(entry.heading))
        for sentence in entry.sentences:
            for line in wrap(printable(sentence)):
                console.say(line)


def _explained(name: str, policy: VaultPolicy) -> dict[str, Any]:
    return {
        "ok": True,
        "file": name,
        "policy": as_json(policy),
        "without_effect_yet": list(NOT_ACTED_ON),
        "in_words": [
            {
                "title": section.title,
                "introduction": section.introduction,
                "entries": [{"heading": each.heading, "sentences": list(each.sentences)} for each in section.entries],
            }
            for section in _sections(policy)
        ],
    }
