"""Many new rows of one table, stored in one statement."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from psycopg import sql
from sqlalchemy import Column, TextClause, text
from sqlalchemy.orm import Session
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from geoservices.database import Base


def store_all(session: Session, rows: Sequence[Base]) -> None:
    """Store new rows, all of one table; the session does not hold them afterwards.

    They go as JSON in one parameter, which PostgreSQL reads by the table's own types. That takes a
    third of the processor time of a session's flush. A default that is a value counts, one that is
    a function does not. None stores nothing.
    """
    if not rows:
        return
    columns = _columns(type(rows[0]))
    told = [{column.key: _value(row, column) for column in columns} for row in rows]
    session.execute(_statement(type(rows[0])), {"rows": msgspec.json.encode(told).decode()})


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
def _statement(table: type[Base]) -> TextClause:
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in _columns(table))
    statement = sql.SQL(
        "INSERT INTO {0} ({1}) "
        "SELECT {1} FROM json_populate_recordset(CAST(NULL AS {0}), CAST(:rows AS json))"
    ).format(sql.Identifier(table.__tablename__), names)
    return text(statement.as_string(None))
