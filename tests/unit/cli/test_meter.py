"""How far a command is, where nobody watches or tqdm is not installed."""

import sys
from typing import Any

import pytest

from phone_vault.cli.meter import Measured, Milestones, meter


class Watched:
    """A terminal."""

    def isatty(self) -> bool:
        return True


def lines_of(measured: Measured, *shown: tuple[float, int, str]) -> list[str]:
    """Told at these seconds, so far done, with that note."""
    told: list[str] = []
    now = [0.0]
    milestones = Milestones(measured, told.append, lambda: now[0])
    for now[0], done, note in shown:
        milestones.show(done, note)
    return told


def test_a_line_tells_what_is_done_the_rate_and_the_time_left() -> None:
    assert lines_of(Measured("import", 1000, 0, "B"), (10, 250, "7 rows")) == [
        "import: 250 of 1,000 B, 7 rows, 25 B/s, 0:00:30 left"
    ]


def test_rate_and_time_left_are_those_of_this_start() -> None:
    assert lines_of(Measured("import", 1000, 500), (10, 600, "")) == ["import: 600 of 1,000, 10/s, 0:00:40 left"]


def test_there_are_five_lines_at_most() -> None:
    assert len(lines_of(Measured("import", 1000), *((step, step, "") for step in range(1, 1001)))) == 5


def test_what_an_earlier_start_has_done_is_not_told_again() -> None:
    assert lines_of(Measured("import", 1000, 550), (1, 560, ""), (2, 599, "")) == []


def test_without_tqdm_there_are_lines_where_somebody_watches_too(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(sys, "stderr", Watched())
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with meter(Measured("import", 10), told.append) as shown:
        shown.show(10)
    assert len(told) == 1
