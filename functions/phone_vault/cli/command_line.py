"""`phone-vault`: reads the command line and hands it to a command."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from phone_vault.cli import demo, erase, estimate, hold, import_file, policy_check, purge, rotate, status, verify
from phone_vault.cli.output import print_json
from phone_vault.cli.problem import Problem, ReportedProblem, WrongUsage


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 for a problem (told on stderr), 2 for wrong usage."""
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as end:  # argparse has said what it had to say
        return end.code if isinstance(end.code, int) else 0
    try:
        arguments.run(arguments)
    except (Problem, WrongUsage) as ended:
        if getattr(arguments, "json", False) and not isinstance(ended, ReportedProblem):
            print_json(ended.as_json())
        print(f"phone-vault: {ended}", file=sys.stderr)
        return 2 if isinstance(ended, WrongUsage) else 1
    except KeyboardInterrupt:
        print("phone-vault: interrupted", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever reads the output has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter trips over it again
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="phone-vault", description="A vault for phone numbers on AWS.")
    parser.add_argument("--version", action="version", version=f"phone-vault {version('phone-vault')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    demo.add_to(commands)
    policy_check.add_to(commands)
    status.add_to(commands)
    rotate.add_to(commands)
    purge.add_to(commands)
    erase.add_to(commands)
    hold.add_to(commands)
    estimate.add_to(commands)
    import_file.add_to(commands)
    verify.add_to(commands)
    return parser
