"""What ends a command with an exit code of 1 or 2."""


class Problem(Exception):
    """The message is for the person at the terminal; it never holds a stored number."""


class WrongUsage(Exception):
    """What ends a command with exit code 2, when it takes more than one option to see it."""
