"""What an import says while it runs and when it is done."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Generic, TypeVar

from geodata.loading import Report
from geodata.records import Note, NoteKind

SHOWN_REFUSALS = 20
TTY_PAUSE_S = 0.2
LOG_PAUSE_S = 5.0
"""Seconds between two lines of progress: on a terminal, and in a log."""

Item = TypeVar("Item")


class Progress(Generic[Item]):
    """Passes items on and says on standard error how far it is, if it takes long."""

    def __init__(self, doing: str, total: int | None = None) -> None:
        self._doing = doing
        self._total = total
        self._tty = sys.stderr.isatty()
        self._pause_s = TTY_PAUSE_S if self._tty else LOG_PAUSE_S
        self.count = 0

    def over(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items, counting them."""
        began = told = monotonic()
        for item in items:
            yield item
            self.count += 1
            now = monotonic()
            if now - told >= self._pause_s:
                told = now
                self._tell(self.count / (now - began))
        if self._tty and told != began:
            sys.stderr.write("\n")

    def _tell(self, rate: float) -> None:
        share = f" of {self._total:,} ({self.count / self._total:.0%})" if self._total else ""
        line = f"{self._doing}: {self.count:,}{share} features, {rate:,.0f}/s"
        sys.stderr.write(f"\r{line}" if self._tty else f"{line}\n")
        sys.stderr.flush()


def summary(report: Report, *, dry_run: bool) -> str:
    """Return the line that says what was done, or what would be."""
    counts = (
        f"{report.read:,} features read: {report.added:,} added, {report.updated:,} updated, "
        f"{report.unchanged:,} unchanged, {report.refused:,} refused; "
        f"{report.repaired:,} repaired, {report.warnings:,} with warnings"
    )
    return f"Dry run, nothing stored. {counts}" if dry_run else counts


def as_json(report: Report, *, dry_run: bool, seconds: float) -> str:
    """Return the whole report as one JSON object."""
    whole = asdict(report)
    return json.dumps({**whole, "dry_run": dry_run, "seconds": round(seconds, 3)})


def write_notes(report: Report, path: Path) -> None:
    """Write every note as one JSON object a line."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(asdict(note))}\n" for note in report.notes)


def note_lines(report: Report) -> Iterator[str]:
    """Yield the first refusals and warnings as lines, and how many more there are."""
    telling = [note for note in report.notes if note.kind is not NoteKind.REPAIRED]
    telling.sort(key=lambda note: note.kind is not NoteKind.REFUSED)
    yield from map(_line, telling[:SHOWN_REFUSALS])
    more = len(telling) - SHOWN_REFUSALS
    if more > 0:
        yield f"and {more:,} more; --report FILE writes all of them"


def _line(note: Note) -> str:
    # What a file says must not steer the terminal.
    shown = note.id if note.id is None or note.id.isprintable() else repr(note.id)
    who = f" ({shown})" if shown else ""
    where = f" [{note.field}]" if note.field else ""
    return f"line {note.line}{who}: {note.kind}: {note.reason}{where}"
