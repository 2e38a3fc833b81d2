import sys

import pytest

from phone_vault.cli.console import Silence, Terminal

BATCHES = [["a"] * 100] * 10


class Screen:
    """A stream that somebody watches."""

    def __init__(self) -> None:
        self.written = ""

    def write(self, text: str) -> int:
        self.written += text
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True


def test_where_nobody_watches_progress_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(Terminal().progress("Protect", BATCHES)) == BATCHES
    out, err = capsys.readouterr()
    assert [line.split(",")[:2] for line in out.splitlines()][-1] == ["  Protect: 1", "000 of 1"]
    assert len(out.splitlines()) == 5
    assert err == ""


def test_where_somebody_watches_progress_is_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    assert list(Terminal().progress("Protect", BATCHES)) == BATCHES
    assert "Protect" in screen.written
    assert "/1000" in screen.written
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("setting", [None, ("NO_COLOR", "1"), ("TERM", "dumb")])
def test_headings_are_bold_only_on_a_terminal_that_takes_it(
    setting: tuple[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    if setting is not None:
        monkeypatch.setenv(*setting)
    Terminal().section("Reveal", "Why.")
    assert ("\033[" in screen.written) is (setting is None)


def test_for_machines_there_is_nothing_to_read(capsys: pytest.CaptureFixture[str]) -> None:
    silence = Silence()
    silence.section("Reveal", "Why.")
    silence.say("a line")
    silence.table([("a", "b")])
    assert list(silence.progress("Reveal", BATCHES)) == BATCHES
    assert capsys.readouterr() == ("", "")


def test_columns_are_as_wide_as_their_widest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().table([("a", "bbb", "c"), ("aaa", "b", "c")])
    assert capsys.readouterr().out == "  a    bbb  c\n  aaa  b    c\n"
