"""QR codes (ISO/IEC 18004) as rows of dark modules, for every way of drawing them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import segno

QUIET_ZONE = 4
"""Modules of white on each side, as the standard asks."""

Correction = Literal["m", "q"]
"""How much of a code may be lost: 15 % for clean screens, 25 % for paper."""


@dataclass(frozen=True, slots=True)
class Run:
    """Dark modules side by side, counted from the left and top of the quiet zone."""

    left: int
    top: int
    length: int


@dataclass(frozen=True, slots=True)
class Qr:
    """A QR code; `size` is its width in modules, with the quiet zone."""

    size: int
    runs: tuple[Run, ...]

    @property
    def path(self) -> str:
        """The dark modules as the path of an SVG, one unit a module."""
        return "".join(f"M{run.left} {run.top}h{run.length}v1h-{run.length}z" for run in self.runs)


def draw(text: str, *, correction: Correction) -> Qr:
    """Return the QR code of a text; one of capitals, digits and `$%*+-./:` has fewer modules.

    Where the size allows for more correction than asked, it gets more.
    """
    made = segno.make(text, error=correction, micro=False)
    runs = tuple(run for top, row in enumerate(made.matrix) for run in _runs(top, row))
    return Qr(size=len(made.matrix) + 2 * QUIET_ZONE, runs=runs)


def draw_link(link: str, *, correction: Correction) -> Qr:
    """Return the QR code of one of our links, in capitals: scheme and host have no case."""
    return draw(link.upper(), correction=correction)


def _runs(top: int, row: bytearray) -> Iterator[Run]:
    left = QUIET_ZONE
    for dark, modules in groupby(row):
        length = len(list(modules))
        if dark:
            yield Run(left, top + QUIET_ZONE, length)
        left += length
