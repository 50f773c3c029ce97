"""Many new rows of one table, stored in one statement."""

from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any, ClassVar, LiteralString, Protocol
from uuid import UUID

import msgspec
from psycopg import sql
from sqlalchemy import Column, TextClause, text
from sqlalchemy.orm import Session
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from geoservices.database import Base

UNLESS_KNOWN: LiteralString = "ON CONFLICT DO NOTHING RETURNING id"


class Plain(Protocol):
    """A dataclass whose fields are columns of a table, named as they are."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


def store_plain(session: Session, table: type[Base], rows: Sequence[Plain]) -> None:
    """Store new rows, all of one dataclass; columns that it lacks get the table's own defaults.

    They go as JSON in one parameter, which PostgreSQL reads by the table's own types. A row that
    is no object of the session's costs a tenth of one that is. None stores nothing.
    """
    if rows:
        names = tuple(field.name for field in fields(type(rows[0])))
        session.execute(_statement(table.__tablename__, names, ""), {"rows": _json(rows)})


def store_all(session: Session, rows: Sequence[Base]) -> None:
    """Store new rows, all of one table; the session does not hold them afterwards.

    As `store_plain` does, in a third of the processor time of a session's flush. A default that is
    a value counts, one that is a function does not. None stores nothing.
    """
    if rows:
        names = tuple(column.name for column in _columns(type(rows[0])))
        statement = _statement(type(rows[0]).__tablename__, names, "")
        session.execute(statement, {"rows": _json(_told(rows))})


def store_unknown(session: Session, rows: Sequence[Base]) -> set[UUID]:
    """Store new rows as `store_all` does, but for those of which a unique key is there already.

    Returns:
        The ids of those that were stored.
    """
    if not rows:
        return set()
    names = tuple(column.name for column in _columns(type(rows[0])))
    statement = _statement(type(rows[0]).__tablename__, names, UNLESS_KNOWN)
    return set(session.scalars(statement, {"rows": _json(_told(rows))}))


def _json(rows: Sequence[object]) -> str:
    return msgspec.json.encode(rows).decode()


def _told(rows: Sequence[Base]) -> list[dict[str, object]]:
    columns = _columns(type(rows[0]))
    return [{column.key: _value(row, column) for column in columns} for row in rows]


def _value(row: Base, column: Column[Any]) -> object:
    # What was never set is asked of nobody, which is most of the time that it would take.
    value: object = row.__dict__.get(column.key)
    if value is None and isinstance(column.default, ScalarElementColumnDefault):
        return column.default.arg
    return value


@lru_cache
def _columns(table: type[Base]) -> list[Column[Any]]:
    columns = Base.metadata.tables[table.__tablename__].columns
    return [column for column in columns if column.computed is None]


@lru_cache
def _statement(table: str, names: Sequence[str], ending: LiteralString) -> TextClause:
    statement = sql.SQL(
        "INSERT INTO {0} ({1}) "
        "SELECT {1} FROM json_populate_recordset(CAST(NULL AS {0}), CAST(:rows AS json)) {2}"
    ).format(sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names)), sql.SQL(ending))
    return text(statement.as_string(None))
