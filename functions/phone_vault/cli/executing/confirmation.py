"""Asks a person before what cannot be taken back."""

import sys
from collections.abc import Sequence

from phone_vault.cli.problem import Problem, WrongUsage

_YES = frozenset({"y", "yes"})


def confirm(warnings: Sequence[str]) -> None:
    """A `Problem` unless somebody at a terminal says yes, `WrongUsage` where nobody can."""
    if not sys.stdin.isatty():
        raise WrongUsage("what you ask for needs a confirmation; without a terminal, confirm it with --yes")
    for warning in warnings:
        print(warning, file=sys.stderr)
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in _YES:
        raise Problem("nothing was done")
