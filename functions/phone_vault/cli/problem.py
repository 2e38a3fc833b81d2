"""What ends a command with an exit code of 1 or 2."""

from typing import Any


class Problem(Exception):
    """The message is for the person at the terminal; it never holds a stored number."""

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {"ok": False, "problem": str(self)}


class ReportedProblem(Problem):
    """A problem of which the command's JSON has told by itself."""


class WrongUsage(Exception):
    """What ends a command with exit code 2, when it takes more than one option to see it."""

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {"ok": False, "problem": str(self)}
