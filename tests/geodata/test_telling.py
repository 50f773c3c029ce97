"""What an import says while it runs."""

import sys

import pytest

from geodata import telling
from geodata.telling import Progress


class Terminal:
    """Standard error as a terminal that remembers."""

    def __init__(self) -> None:
        self.said = ""

    def isatty(self) -> bool:
        """It is one."""
        return True

    def write(self, text: str) -> int:
        """Remember."""
        self.said += text
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""


def test_a_log_gets_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the share, where the whole is known."""
    monkeypatch.setattr(telling, "LOG_PAUSE_S", 0.0)

    assert list(Progress[int]("storing", 4).over(iter(range(2)))) == [0, 1]

    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("storing: 1 of 4 (25%) features, ")
    assert second.startswith("storing: 2 of 4 (50%) features, ")


def test_a_terminal_gets_one_line_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a line feed at its end."""
    terminal = Terminal()
    monkeypatch.setattr(telling, "TTY_PAUSE_S", 0.0)
    monkeypatch.setattr(sys, "stderr", terminal)

    progress = Progress[int]("checking")
    for _ in progress.over(iter(range(2))):
        pass

    assert progress.count == 2
    assert terminal.said.count("\rchecking: ") == 2
    assert terminal.said.endswith("/s\n")


def test_short_files_are_read_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody waits."""
    assert list(Progress[int]("storing").over([1, 2])) == [1, 2]
    assert not capsys.readouterr().err
