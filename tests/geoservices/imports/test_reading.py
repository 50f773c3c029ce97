"""Files of tasks as they come: each line is read or told what is wrong with it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoservices.imports.lines import (
    COLUMNS,
    Fault,
    TaskLine,
    items_of,
    read_line,
)
from geoservices.imports.reading import ImportRefused, Read, read_csv
from geoservices.tasks.models import Priority

ZONE = "Europe/London"
HEAD = "external_id,place,title"
PLAIN = TaskLine(external_id="A1", place="Library", title="Boiler")


def read(text: str | bytes, *, most: int = 100) -> list[Read]:
    """A file's lines."""
    data = text.encode() if isinstance(text, str) else text
    return read_csv(data, time_zone=ZONE, most=most)


def said(text: str | bytes) -> list[TaskLine | None]:
    """What the lines of a file say."""
    return [line.said for line in read(text)]


CLEAN: dict[str, str | bytes] = {
    "commas": "external_id,place,title\nA1,Library,Boiler\n",
    "semicolons": "external_id;place;title\nA1;Library;Boiler\n",
    "tabs": "external_id\tplace\ttitle\nA1\tLibrary\tBoiler\n",
    "what a spreadsheet says": "sep=;\nexternal_id;place;title\nA1;Library;Boiler\n",
    "lines of Windows": "external_id,place,title\r\nA1,Library,Boiler\r\n",
    "lines of an old Mac": "external_id,place,title\rA1,Library,Boiler\r",
    "no end": "external_id,place,title\nA1,Library,Boiler",
    "headings in other cases": "External ID,PLACE, Title \nA1,Library,Boiler\n",
    "another order": "title,external_id,place\nBoiler,A1,Library\n",
    "spaces": "external_id,place,title\n  A1 , Library ,Boiler  \n",
    "empty lines": "\n\nexternal_id,place,title\n\n,,\nA1,Library,Boiler\n\n",
    "empty cells at the end": "external_id,place,title,,\nA1,Library,Boiler,,\n",
    "more empty cells": "external_id,place,title\nA1,Library,Boiler,,,\n",
    "quotation marks": '"external_id","place","title"\n"A1","Library","Boiler"\n',
    "a mark of UTF-8": "\ufeffexternal_id,place,title\nA1,Library,Boiler\n",
    "UTF-16": "external_id,place,title\nA1,Library,Boiler\n".encode("utf-16"),
}


@pytest.mark.parametrize("name", CLEAN)
def test_a_file_says_the_same_in_every_way_of_writing_it(name: str) -> None:
    """Delimiters, line ends, encodings, headings and empty cells as they occur."""
    assert said(CLEAN[name]) == [PLAIN]


def test_letters_are_read_in_both_encodings() -> None:
    """UTF-8, and what spreadsheets in western Europe write."""
    text = f"{HEAD}\nA1,Café,Ty Gwyn £5\n"

    assert said(text.encode("utf-8")) == said(text.encode("cp1252"))
    [line] = said(text.encode("cp1252"))
    assert line is not None
    assert (line.place, line.title) == ("Café", "Ty Gwyn £5")


def test_a_cell_has_line_breaks_and_delimiters_in_it() -> None:
    """In quotation marks; the next line is counted right."""
    lines = read(f'{HEAD},text\nA1,Library,"Boiler, old","one\ntwo ""three"""\nA2,Library,,\n')

    assert lines[0].said is not None
    assert lines[0].said.title == "Boiler, old"
    assert lines[0].said.text == 'one\ntwo "three"'
    assert (lines[1].number, lines[1].faults) == (4, (Fault("title", "It must not be empty."),))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-04T09:30:00Z", "2026-03-04T09:30+00:00"),
        ("2026-07-04T09:30:00+02:00", "2026-07-04T07:30+00:00"),
        ("2026-07-04T09:30", "2026-07-04T08:30+00:00"),
        ("2026-07-04 09:30", "2026-07-04T08:30+00:00"),
        ("04/07/2026 09:30", "2026-07-04T08:30+00:00"),
        ("4/7/2026 9:30", "2026-07-04T08:30+00:00"),
        ("04/07/2026 09:30:15", "2026-07-04T08:30:15+00:00"),
        ("04/07/2026", "2026-07-04T22:59+00:00"),
        ("2026-07-04", "2026-07-04T22:59+00:00"),
        # Clocks skip from 01:00 to 02:00 on 29 March, and show 01:30 twice on 25 October.
        ("29/03/2026 01:30", "2026-03-29T01:30+00:00"),
        ("25/10/2026 01:30", "2026-10-25T00:30+00:00"),
    ],
)
def test_times_are_by_the_organisations_clocks(text: str, instant: str) -> None:
    """Unless they have an offset; a day alone ends just before midnight."""
    [line] = said(f"{HEAD},due_at\nA1,Library,Boiler,{text}\n")

    assert line is not None
    assert line.due_at == datetime.fromisoformat(instant)
    assert line.due_at.tzinfo == UTC


def test_every_column_is_read() -> None:
    """As people write it."""
    [line] = said(
        "external_id;place;title;text;priority;starts_at;ends_at;skill;checklist;cancelled\n"
        "A1;Library;Boiler;Do it;URGENT;01/03/2026;02/03/2026;Gas  Fitter;One | Two;NO\n"
    )

    assert line == TaskLine(
        external_id="A1",
        place="Library",
        title="Boiler",
        text="Do it",
        priority=Priority.URGENT,
        starts_at=datetime(2026, 3, 1, tzinfo=UTC),
        ends_at=datetime(2026, 3, 2, 23, 59, tzinfo=UTC),
        skill="gas fitter",
        checklist=("One", "Two"),
    )


def test_what_is_cancelled_needs_to_say_nothing_more() -> None:
    """Another system may have forgotten the rest."""
    assert said("external_id,cancelled\nA1,yes\n") == [TaskLine(external_id="A1", cancelled=True)]


DIRTY = {
    "too few cells": ("A1,Library\n", "", "It has 2 cells where the heading has 3."),
    "too many cells": ("A1,Library,Boiler,old\n", "", "cell that has no heading"),
    "no reference": (",Library,Boiler\n", "external_id", "must not be empty"),
    "no place": ("A1,,Boiler\n", "place", "must not be empty"),
    "a long reference": (f"{'A' * 121},Library,Boiler\n", "external_id", "120 are the most"),
    "a long title": (f"A1,Library,{'B' * 121}\n", "title", "has 121 characters"),
    "a null": ("A1,Library,Boil\x00er\n", "title", "U+0000"),
    "a stray quotation mark": ('A1,"Lib"rary,Boiler\n', "", "quotation mark"),
    "an open quotation mark": ('A1,"Library,Boiler\nA2,Library,x\n', "", "never closed"),
}


@pytest.mark.parametrize("name", DIRTY)
def test_dirt_is_told_of_the_line_it_is_in(name: str) -> None:
    """The lines before it are good."""
    dirt, field, detail = DIRTY[name]

    good, line = read(f"{HEAD}\nA0,Library,Boiler\n{dirt}")

    assert good.said is not None
    assert (line.number, line.said) == (3, None)
    assert [fault.field for fault in line.faults] == [field]
    assert detail in line.faults[0].detail


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("priority", "very"),
        ("due_at", "soon"),
        ("due_at", "31/02/2026"),
        ("due_at", "03/04/26"),
        ("due_at", "2026-03-04T25:00"),
        ("due_at", "0001-01-01T00:00+14:00"),
        ("due_at", "0001-01-01T00:00:00Z"),
        ("ends_at", "31/12/9999"),
        ("starts_at", "10000-01-01"),
        ("cancelled", "maybe"),
        ("skill", "s" * 41),
        ("checklist", "|".join("x" * 101)),
        ("checklist", "y" * 121),
        ("assignee", "a" * 255),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(column: str, cell: str) -> None:
    """With what would be right; all faults of a line are told at once."""
    [line] = read(f"{HEAD},{column}\nA1,,Boiler,{cell}\n")

    assert {fault.field for fault in line.faults} == {column, "place"}


def test_a_reference_that_comes_twice_is_refused_the_second_time() -> None:
    """What of the two would be meant, nobody knows."""
    first, second, third = read(f"{HEAD}\nA1,Library,x\nA1,Library,y\nA2,Library,z\n")

    assert (first.said and first.said.title, second.said) == ("x", None)
    assert second.faults[0].detail.startswith("Line 2 has it as well.")
    assert third.said is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "no heading"),
        (b"\n\n", "no heading"),
        (b"place,title\n", "lacks the column external_id"),
        (b"external_id,colour\n", "no column 'colour'"),
        (b"external_id,title,Title\n", "title is there twice"),
        (b"\x81\x8d\x8f", "no text"),
        (b"\xff\xfea", "no text"),
        (b'"external_id\n', "no heading"),
        (b'"sep=;\nexternal_id\n', "no heading"),
        (b"external_id\n" + b"A\n" * 101, "more than 100 lines"),
    ],
)
def test_a_file_that_is_none_is_refused_as_a_whole(text: bytes, told: str) -> None:
    """With what to change."""
    with pytest.raises(ImportRefused) as refused:
        read(text)

    assert told in str(refused.value)


PIECES = st.sampled_from(
    [*COLUMNS, *",;\t\"'\n\r|", "\x00", "\ufeff", "sep=;", "A1", "yes", "2026-02-30", "é", "=1+1"]
)


@given(st.lists(PIECES | st.text(max_size=4), max_size=60).map("".join))
@settings(max_examples=300)
def test_no_text_makes_the_reader_fail(text: str) -> None:
    """Whatever it is, it is read, or refused in words."""
    for data in (
        text.encode(errors="surrogatepass"),
        f"external_id,place,title\n{text}".encode(errors="surrogatepass"),
    ):
        try:
            lines = read(data, most=1000)
        except ImportRefused:
            continue
        for line in lines:
            assert (line.said is None) == bool(line.faults)
            assert "\x00" not in line.external_id
            assert len(line.external_id) <= 120


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail(data: bytes) -> None:
    """Pictures, programs, half a letter."""
    try:
        read(data)
    except ImportRefused:
        return


@given(st.dictionaries(st.sampled_from(COLUMNS), st.text(max_size=30)))
def test_no_cell_makes_a_line_fail(cells: dict[str, str]) -> None:
    """It says something, or what is wrong is told."""
    line = read_line(cells, time_zone=ZONE)

    assert isinstance(line, TaskLine) or line


def test_items_keep_their_ids_in_another_order() -> None:
    """So what was ticked stays ticked; those with the same id are told apart."""
    texts = ["Bleed the radiators!", "???", "X", "X", "X 2"]

    items = items_of(texts)

    assert [item["text"] for item in items] == texts
    assert [item["id"] for item in items] == ["bleed-the-radiators", "item", "x", "x-2", "x-2-2"]
    assert items_of(texts[::-1])[-1] == items[0]
