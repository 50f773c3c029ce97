"""Packed columns: what PostgreSQL reads in them is what was put in, and psycopg says the same."""

import math
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from sqlalchemy.orm import Session

from geoservices.arrays import (
    OF_TYPE,
    Blobs,
    Booleans,
    Doubles,
    Instants,
    Integers,
    Intervals,
    Packed,
    Smallints,
    Texts,
    Uuids,
)
from geoservices.database import driver
from geoservices.instants import MICROSECOND, microseconds
from geoservices.trips import ask

INT8 = 2**63
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
"""PostgreSQL's text holds any but these."""
INSTANTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  # The timezone is drawn.
KINDS: dict[str, tuple[type[Packed], st.SearchStrategy[Any]]] = {
    "uuid": (Uuids, st.uuids()),
    "timestamptz": (Instants, INSTANTS),
    "interval": (Intervals, st.integers(-INT8 + 1, INT8 - 1).map(lambda us: us * MICROSECOND)),
    "text": (Texts, st.text(LETTERS)),
    "int4": (Integers, st.integers(-(2**31), 2**31 - 1)),
    "bool": (Booleans, st.booleans()),
    "bytea": (Blobs, st.binary(max_size=2000)),
}
examples = settings(
    # Each asks for what it is given and leaves nothing behind.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=50,
)


def unpacked(session: Session, packed: Packed) -> list[Any]:
    """What PostgreSQL finds in a packed array."""
    return ask(session, b"SELECT unnest($1)", packed, make=lambda row: row[0])()


def agreed(session: Session, packed: Packed, name: str, values: Sequence[Any]) -> bool:
    """Whether PostgreSQL finds in it what psycopg says in words and figures."""
    [[text]] = ask(session, b"SELECT ($1)::text", packed, make=tuple)()
    same = sql.SQL("SELECT %t::{0} IS NOT DISTINCT FROM %t::{0}").format(sql.SQL(f"{name}[]"))
    row = driver(session).execute(same, [list(values), text]).fetchone()
    return row == (True,)


@pytest.mark.parametrize("name", KINDS)
@examples
@given(data=st.data())
def test_lists_come_back_as_they_went(session: Session, name: str, data: st.DataObject) -> None:
    """NULLs anywhere, nothing at all, and the least and greatest of each kind."""
    kind, elements = KINDS[name]
    values = data.draw(st.lists(st.none() | elements, max_size=12))

    packed = kind.listed(values)

    assert unpacked(session, packed) == values
    assert agreed(session, packed, name, values)


@examples
@given(values=st.lists(st.floats(), max_size=12))
def test_doubles_come_back_as_they_went(session: Session, values: list[float]) -> None:
    """NaN, the infinities, the sign of zero and what is hardly more than zero."""
    packed = Doubles.pack(np.array(values, dtype=np.float64))

    found = unpacked(session, packed)

    signs = [math.copysign(1, value) for value in found if not math.isnan(value)]
    assert np.array_equal(found, values, equal_nan=True)
    assert signs == [math.copysign(1, value) for value in values if not math.isnan(value)]
    assert agreed(session, packed, "float8", values)


@examples
@given(values=st.lists(st.integers(-(2**15), 2**15 - 1), max_size=12))
def test_smallints_come_back_as_they_went(session: Session, values: list[int]) -> None:
    """And from the narrower bytes that they are made of."""
    packed = Smallints.pack(np.array(values, dtype=np.int16))
    narrow = [value & 0xFF for value in values]

    assert unpacked(session, packed) == values
    assert agreed(session, packed, "int2", values)
    assert unpacked(session, Smallints.pack(np.array(narrow, dtype=np.uint8))) == narrow


@examples
@given(ids=st.lists(st.uuids(), max_size=12), at=st.lists(INSTANTS, max_size=12))
def test_columns_are_packed_as_lists_are(
    session: Session, ids: list[UUID], at: list[datetime]
) -> None:
    """Bytes of ids and microseconds since 1970 are the same ids and instants."""
    of_ids = np.frombuffer(b"".join(id_.bytes for id_ in ids), dtype=np.uint8).reshape(-1, 16)
    at_us = np.array([microseconds(one) for one in at], dtype=np.int64)

    packed_ids, packed_at = Uuids.of_bytes(of_ids), Instants.of_microseconds(at_us)

    assert unpacked(session, packed_ids) == ids
    assert unpacked(session, packed_at) == at
    assert (packed_ids, packed_at) == (Uuids.listed(ids), Instants.listed(at))


@pytest.mark.parametrize(
    "cut",
    [
        lambda table: table[::2],
        lambda table: table[::-1],
        np.asfortranarray,
        lambda table: table.astype(table.dtype.newbyteorder(">")),
        lambda table: table[:0],
    ],
)
def test_how_a_column_lies_in_memory_does_not_matter(
    session: Session, cut: Callable[[Any], Any]
) -> None:
    """Parts of tables, either way round, in either order of bytes."""
    numbers = cut(np.arange(24, dtype=np.float64).reshape(6, 4))[:, 1]
    ids = cut(np.arange(96, dtype=np.uint8).reshape(6, 16))

    assert unpacked(session, Doubles.pack(numbers)) == numbers.tolist()
    assert unpacked(session, Uuids.of_bytes(ids)) == [UUID(bytes=bytes(row)) for row in ids]


def test_a_text_of_no_text_is_refused_by_the_database(session: Session) -> None:
    """NUL is the one character that PostgreSQL's text cannot hold."""
    with pytest.raises(psycopg.DataError):
        unpacked(session, Texts.listed(["\0"]))


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        (Integers, 2**31, struct.error),
        (Intervals, timedelta.max, struct.error),
        (Instants, datetime(2026, 1, 1), TypeError),  # noqa: DTZ001  # That is the point.
        (Texts, "\ud800", UnicodeEncodeError),
    ],
)
def test_what_does_not_fit_is_never_packed(
    kind: type[Packed], value: object, error: type[Exception]
) -> None:
    """Rather than cut off."""
    with pytest.raises(error):
        kind.listed([value])


def test_every_type_of_a_row_has_its_array(session: Session) -> None:
    """And says the numbers by which PostgreSQL knows both."""
    kinds: list[type[Packed]] = [*OF_TYPE.values(), Doubles, Smallints]

    found = ask(
        session,
        b"SELECT oid::int4, typarray::int4 FROM pg_type WHERE oid = ANY($1)",
        Integers.listed([kind.element_oid for kind in kinds]),
        make=tuple,
    )()

    assert set(found) == {(kind.element_oid, kind.array_oid) for kind in kinds}
    assert len(found) == len(kinds)
