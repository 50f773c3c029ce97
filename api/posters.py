"""Posters to print: a code, the place's name, and what it is for, on one page of A4."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from threading import Lock
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from api.qr import Qr

WIDTH_MM, HEIGHT_MM = 210, 297
TEXT_WIDTH_MM = 174
QR_MM = 146
"""As wide as the code is with its quiet zone: read from two metres away."""
QR_TOP_MM = 82
MM_A_POINT = 25.4 / 72
LINE_HEIGHT = 1.2

REGULAR, BOLD = "SourceSansPro-Regular", "SourceSansPro-Semibold"
NAME_SIZES_PT = (44, 36, 30, 24, 18, 13)
NAME_LINES = 2
MOST_NAME_LINES = 5
"""So many of the smallest letters have room above the code."""

HEADING = "Check in here"
ASKED = "Point the camera of your phone at the code."
PURPOSE = "Tell us that you are here, and see what is on today."
PRIVACY = "Looking stores nothing about you. You need no account and no name."

_pdf_lock = Lock()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text in the middle of the page; its baseline in millimetres from the top."""

    text: str
    font: str
    size_pt: float
    baseline_mm: float

    @property
    def width_mm(self) -> float:
        """How wide it is in the poster's own font."""
        return width_mm(self.text, self.font, self.size_pt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """What stands on a poster."""

    qr: Qr
    lines: list[Line]


def lay_out(*, name: str, label: str) -> list[Line]:
    """Return the lines of a poster, each within its width.

    Args:
        name: The place's; in the largest letters with which it takes no more than two lines.
        label: The code's, small, so that whoever looks after posters can tell them apart.
    """
    size_pt = next((size for size in NAME_SIZES_PT if _fits(name, size)), NAME_SIZES_PT[-1])
    below_mm = QR_TOP_MM + QR_MM
    return [
        Line(HEADING, BOLD, 34, 34),
        *_lines(name, BOLD, size_pt, 56)[:MOST_NAME_LINES],
        *_lines(ASKED, BOLD, 24, below_mm + 10),
        *_lines(PURPOSE, REGULAR, 18, below_mm + 23),
        *_lines(PRIVACY, REGULAR, 13, below_mm + 35),
        *_lines(label, REGULAR, 9, below_mm + 58)[:1],
    ]


def svg(poster: Poster) -> str:
    """Return a poster as an SVG document; its text stays text, squeezed to the layout's width."""
    scale = QR_MM / poster.qr.size
    left = (WIDTH_MM - QR_MM) / 2
    text = "".join(
        f'<text x="{WIDTH_MM / 2}" y="{line.baseline_mm:.2f}" text-anchor="middle" '
        f'font-size="{line.size_pt * MM_A_POINT:.2f}" font-weight="{_weight(line)}" '
        f'textLength="{line.width_mm:.2f}" lengthAdjust="spacingAndGlyphs">'
        f"{escape(line.text)}</text>"
        for line in poster.lines
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_MM}mm" height="{HEIGHT_MM}mm" '
        f'viewBox="0 0 {WIDTH_MM} {HEIGHT_MM}" '
        'font-family="Source Sans Pro, Source Sans 3, Arial, Helvetica, sans-serif">'
        f"<title>{escape(HEADING)}</title>"
        f'<rect width="{WIDTH_MM}" height="{HEIGHT_MM}" fill="#fff"/>'
        f'<path transform="translate({left} {QR_TOP_MM}) scale({scale:.5f})" d="{poster.qr.path}" '
        'shape-rendering="crispEdges"/>'
        f"{text}</svg>"
    )


def pdf(poster: Poster) -> bytes:
    """Return a poster as a PDF document with its letters embedded."""
    written = BytesIO()
    # The library keeps which letters of a font a document uses beside the font itself.
    with _pdf_lock:
        _load_fonts()
        canvas = Canvas(written, pagesize=A4, invariant=1, lang="en-GB")
        canvas.setTitle(HEADING)
        for line in poster.lines:
            canvas.setFont(line.font, line.size_pt)
            canvas.drawCentredString(
                WIDTH_MM / 2 * mm, (HEIGHT_MM - line.baseline_mm) * mm, line.text
            )
        _draw(canvas, poster.qr)
        canvas.showPage()
        canvas.save()
    return written.getvalue()


def width_mm(text: str, font: str, size_pt: float) -> float:
    """Return how wide a text is, in millimetres."""
    _load_fonts()
    return pdfmetrics.stringWidth(text, font, size_pt) * MM_A_POINT


@cache
def _load_fonts() -> None:
    folder = files("font_source_sans_pro") / "files"
    for font in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(font, str(folder / f"{font}.ttf")))


def _draw(canvas: Canvas, qr: Qr) -> None:
    module = QR_MM * mm / qr.size
    left = (WIDTH_MM - QR_MM) / 2 * mm
    top = (HEIGHT_MM - QR_TOP_MM) * mm
    for run in qr.runs:
        canvas.rect(
            left + run.left * module,
            top - (run.top + 1) * module,
            run.length * module,
            module,
            stroke=0,
            fill=1,
        )


def _fits(name: str, size_pt: float) -> bool:
    longest_mm = max((width_mm(word, BOLD, size_pt) for word in name.split()), default=0)
    return longest_mm <= TEXT_WIDTH_MM and len(list(_wrap(name, BOLD, size_pt))) <= NAME_LINES


def _lines(text: str, font: str, size_pt: float, first_mm: float) -> list[Line]:
    """Return a text in as many lines as it needs, the first one's baseline given."""
    step_mm = size_pt * MM_A_POINT * LINE_HEIGHT
    return [
        Line(line, font, size_pt, first_mm + number * step_mm)
        for number, line in enumerate(_wrap(text, font, size_pt))
    ]


def _wrap(text: str, font: str, size_pt: float) -> Iterator[str]:
    """Break a text at spaces, and a word that is wider than the page anywhere."""
    line = ""
    for word in text.split():
        for part in _parts(word, font, size_pt):
            longer = f"{line} {part}".strip()
            if line and width_mm(longer, font, size_pt) > TEXT_WIDTH_MM:
                yield line
                line = part
            else:
                line = longer
    if line:
        yield line


def _parts(word: str, font: str, size_pt: float) -> Iterator[str]:
    part = ""
    for letter in word:
        if width_mm(part + letter, font, size_pt) > TEXT_WIDTH_MM:
            yield part
            part = ""
        part += letter
    yield part


def _weight(line: Line) -> int:
    return 600 if line.font == BOLD else 400
