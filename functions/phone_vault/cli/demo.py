"""`phone-vault demo`: the main job, end to end, on the embedded AWS."""

import argparse
from contextlib import ExitStack
from typing import TYPE_CHECKING

from phone_vault.cli.console import Console, Silence, Terminal
from phone_vault.cli.output import print_json
from phone_vault.cli.problem import Problem
from phone_vault.cli.stopwatch import Stopwatch

if TYPE_CHECKING:
    from phone_vault.cli.demonstration.tour import Report

_ABOUT = (
    "Runs the vault on an AWS embedded in this process: protects libphonenumber's example numbers of every region, "
    "written as people write them, reveals, looks up and verifies them, shows what the tables hold, and provokes "
    "each refusal. Exit code 1 if anything does not come out as expected."
)


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser("demo", help="the main job, end to end, on an embedded AWS", description=_ABOUT)
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the tour")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Acts on the `LocalCloud` that is open in the process, whose clock it moves by a month; else on one of its own."""
    report = _tour(Silence() if arguments.json else Terminal())
    if arguments.json:
        print_json({"ok": True, **report.as_json()})


def _tour(console: Console) -> "Report":
    stopwatch = Stopwatch()
    # Here, not above: moto costs seconds, and whoever asks for --help may not have installed it.
    try:
        from phone_vault.cli.demonstration import tour
        from phone_vault.local import FunctionError, LocalCloud, current
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith("phone_vault"):
            raise
        raise Problem(
            f"the embedded AWS is not installed (there is no module {missing.name}). "
            "It comes with the extra `local`: pip install '.[local]' in the checkout."
        ) from None
    with ExitStack() as opened:
        cloud = current() or opened.enter_context(LocalCloud())
        try:
            return tour.run(cloud, console, stopwatch)
        except FunctionError as fault:
            raise Problem(f"a function failed: {fault}") from None
