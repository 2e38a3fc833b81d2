"""What ends a command with exit code 1."""


class Problem(Exception):
    """The message is for the person at the terminal; it never holds a stored number."""
