"""Asks a person before what cannot be taken back."""

import sys
import textwrap
from collections.abc import Sequence

from phone_vault.cli.problem import Problem, WrongUsage

_YES = frozenset({"y", "yes"})
_WIDTH = 80


def require_somebody() -> None:
    """`WrongUsage` where nobody can be asked."""
    if not sys.stdin.isatty():
        raise WrongUsage("what you ask for needs a confirmation; without a terminal, confirm it with --yes")


def confirm(warnings: Sequence[str]) -> None:
    """A `Problem` unless somebody at a terminal says yes, `WrongUsage` where nobody can."""
    require_somebody()
    for warning in warnings:
        print(textwrap.fill(warning, _WIDTH), file=sys.stderr)
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in _YES:
        raise Problem("nothing was done")
