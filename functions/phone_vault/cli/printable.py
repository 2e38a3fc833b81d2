"""Text from a file or a table, or a file's name, made safe for a terminal."""

from pathlib import Path


def printable(text: str | Path) -> str:
    """The same with control characters spelled out: what is shown must not steer the terminal that shows it."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(text))
