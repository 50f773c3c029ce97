"""Marks tell the same person again, and lists are read back as they were written."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.erasures.marks import Mark, MarkingKey, read_list, write_list

KEY = MarkingKey.derived_from(b"a code key")
MARKS = st.builds(
    Mark,
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=8, max_size=8),
    st.datetimes(timezones=st.just(UTC)),
)


@given(st.uuids(), st.uuids())
def test_a_mark_is_one_persons(one: UUID, other: UUID) -> None:
    """The same again, another's never, and with another key another."""
    assert KEY.of(one) == KEY.of(one)
    assert (KEY.of(one) == KEY.of(other)) is (one == other)
    assert MarkingKey.derived_from(b"another").of(one) != KEY.of(one)
    assert one.bytes not in KEY.of(one)


def test_a_key_is_known_by_its_mark() -> None:
    """Without the key being told."""
    assert KEY.mark == MarkingKey.derived_from(b"a code key").mark
    assert KEY.mark != MarkingKey.derived_from(b"another").mark
    assert KEY.secret not in KEY.mark


@given(st.lists(MARKS))
def test_a_list_is_read_back(marks: list[Mark]) -> None:
    """Every entry, in its order."""
    assert read_list(list(write_list(marks))) == marks


@pytest.mark.parametrize(
    "change",
    [
        lambda _lines: [],
        lambda lines: lines[1:],
        lambda lines: [*lines, "{"],
        lambda lines: [*lines, "[]"],
        lambda lines: [*lines, '{"mark": "00", "key": "00", "asked_at": "2026-01-01T00:00Z"}'],
        lambda lines: [lines[0].replace("1", "2"), *lines[1:]],
        lambda lines: [lines[0], lines[1].replace("+00:00", "")],
    ],
    ids=["nothing", "no head", "cut", "other JSON", "short", "other version", "no offset"],
)
def test_what_is_no_list_is_refused(change: Callable[[list[str]], list[str]]) -> None:
    """Whole, so that half of one is never taken for all of it."""
    lines = list(write_list([Mark(bytes(32), bytes(8), datetime(2026, 1, 1, tzinfo=UTC))]))

    with pytest.raises(ValueError, match="Nothing was erased"):
        read_list(change(lines))
