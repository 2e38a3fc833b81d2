"""Tables for people."""

from collections.abc import Sequence

from phone_vault.cli.console import Console
from phone_vault.cli.printable import printable

Cell = str | int


def table(console: Console, header: list[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Numbers stand to the right."""
    if not rows:
        console.say("none")
        return
    columns = []
    for name, cells in zip(header, zip(*rows, strict=True), strict=True):
        texts = [name, *(f"{cell:,}" if isinstance(cell, int) else printable(cell) for cell in cells)]
        width = max(map(len, texts))
        columns.append([text.rjust(width) for text in texts] if any(isinstance(cell, int) for cell in cells) else texts)
    console.table(list(zip(*columns, strict=True)))
