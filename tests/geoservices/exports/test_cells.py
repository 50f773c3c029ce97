"""What stands in a cell is what was meant, and never a formula."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.exports.cells import DANGEROUS, cell

VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, ""),
        (True, "true"),
        (-3.53, -3.53),
        ("Anna's phone", "Anna's phone"),
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t=1"),
        (["a", "b"], '["a", "b"]'),
        ({"é": 1}, '{"é": 1}'),
    ],
)
def test_values_become_cells(value: object, told: object) -> None:
    """As a spreadsheet reads them."""
    assert cell(value) == told


@given(VALUES)
def test_no_text_is_a_formula(value: object) -> None:
    """Whatever somebody calls their phone, opening the file runs nothing."""
    told = cell(value)

    assert isinstance(told, int | float) or not told.startswith(DANGEROUS)


@given(st.lists(st.text(st.characters(exclude_characters="\x00")), min_size=1))
def test_a_row_is_read_back(values: list[str]) -> None:
    """RFC 4180: quotes, commas and line ends in values harm nothing."""
    file = StringIO(newline="")
    csv.writer(file).writerow([cell(value) for value in values])

    [read] = csv.reader(StringIO(file.getvalue(), newline=""))

    assert read == [str(cell(value)) for value in values]
