"""Text from a file or a table, made safe for a terminal."""


def printable(text: str) -> str:
    """The same with control characters spelled out: what is shown must not steer the terminal that shows it."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
