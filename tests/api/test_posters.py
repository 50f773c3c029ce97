"""Posters and QR codes, read back as a phone's camera and a screen reader would."""

import numpy as np
import pytest

from api import posters
from api.posters import TEXT_WIDTH_MM, Poster, lay_out
from api.qr import QUIET_ZONE, draw, draw_link
from tests.scanning import paint, paint_pdf, paint_svg, scan, text_of_pdf

LINK = "https://checkin.devon.gov.uk/C/MFRGGZDFMZTWQ2LKNNWG23TPOA2TIOJSGEZDGNBVGY"
LONG = "Llyfrgell Gyhoeddus a Chanolfan Gymunedol Penrhyndeudraeth a'r Cylch, Ail Lawr"
NAMES = ["Exeter Library", "Tŷ Dŵr Ŵyn Ŷd, Llangïan", LONG, "Łódź, Ünïversität Ñ ß"]


def poster(name: str = "Exeter Library") -> Poster:
    """A poster of a place of that name."""
    return Poster(qr=draw_link(LINK, correction="q"), lines=lay_out(name=name, label="Desk"))


def test_a_link_is_drawn_in_capitals_so_that_it_takes_fewer_modules() -> None:
    """A reader gets the link in capitals, which leads to the same page."""
    drawn = draw_link(LINK, correction="m")

    assert scan(paint(drawn.size, drawn.runs)) == LINK.upper()
    assert drawn.size < draw(LINK, correction="m").size


def test_a_code_is_surrounded_by_its_quiet_zone() -> None:
    """Four modules of white on each side (ISO/IEC 18004)."""
    drawn = draw_link(LINK, correction="q")
    picture = paint(drawn.size, drawn.runs, pixels=1)

    dark = picture == 0
    assert not dark[:QUIET_ZONE].any()
    assert not dark[-QUIET_ZONE:].any()
    assert not dark[:, :QUIET_ZONE].any()
    assert not dark[:, -QUIET_ZONE:].any()
    assert dark[QUIET_ZONE, QUIET_ZONE]


def test_the_poster_as_svg_can_be_scanned() -> None:
    """Rendered as a browser or a layout program does."""
    assert scan(paint_svg(posters.svg(poster()))) == LINK.upper()


def test_the_poster_as_pdf_can_be_scanned() -> None:
    """Even at a screen's resolution, and with a corner torn off."""
    picture = paint_pdf(posters.pdf(poster())).copy()
    height, width = picture.shape

    assert scan(picture) == LINK.upper()
    # From two thirds down and right: inside the code, away from its three corner marks.
    torn = picture[int(height * 0.68) : int(height * 0.73), int(width * 0.68) : int(width * 0.78)]
    torn[:] = 255
    assert scan(picture) == LINK.upper()


@pytest.mark.parametrize("name", NAMES)
def test_the_words_of_the_pdf_can_be_read(name: str) -> None:
    """Welsh letters too; what a reader finds is what the place is called."""
    words = " ".join(text_of_pdf(posters.pdf(poster(name))).split())

    assert words.startswith(f"Check in here {name}")
    assert "Point the camera of your phone at the code." in words


def test_every_letter_of_welsh_has_its_own_shape() -> None:
    """The letters are drawn, and not the box that stands for a letter a font does not have."""
    box = paint_pdf(posters.pdf(poster("\ue000")))
    drawn = [paint_pdf(posters.pdf(poster(letter))) for letter in "ŵŷŴŶâêîôûẃẁẅỳ"]

    assert not any(np.array_equal(picture, box) for picture in drawn)
    assert len({picture.tobytes() for picture in drawn}) == len(drawn)


@pytest.mark.parametrize("name", [*NAMES, "W" * 60, "Wide " * 200])
def test_no_line_runs_off_the_page(name: str) -> None:
    """Long names are set smaller, and endless ones cut off before they reach the code."""
    lines = lay_out(name=name, label=name)

    assert max(line.width_mm for line in lines) <= TEXT_WIDTH_MM
    assert max(line.baseline_mm for line in lines) < posters.HEIGHT_MM - 5
    assert not any(82 < line.baseline_mm < posters.QR_TOP_MM + posters.QR_MM for line in lines)


def test_a_name_is_text_and_never_markup() -> None:
    """A place may be called anything."""
    drawn = posters.svg(poster("<b>R&D</b>"))

    assert "<b>" not in drawn
    assert ">&lt;b&gt;R&amp;D&lt;/b&gt;</text>" in drawn
    assert paint_svg(drawn).shape
