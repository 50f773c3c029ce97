"""The one database: its metadata, engine, sessions and transactions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from types import NoneType
from typing import (
    Any,
    ClassVar,
    LiteralString,
    NamedTuple,
    TypeVar,
    get_args,
    get_type_hints,
)
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import DateTime, Engine, Interval, MetaData, Select, create_engine, tuple_
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, sessionmaker

Row = TypeVar("Row")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table's base: named constraints, aware instants."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        timedelta: Interval(),
    }


def one_of(column: str, values: type[StrEnum]) -> str:
    """Return the condition that `column` holds one of the enumeration's values, for a CHECK."""
    return f"{column} IN ({', '.join(repr(member.value) for member in values)})"


def newest_first(
    statement: Select[Row],
    at: InstrumentedAttribute[datetime],
    id_: InstrumentedAttribute[UUID],
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Select[Row]:
    """Return the statement for one page of rows, newest first and ties by id.

    Args:
        statement: What to page through.
        at: The instant that orders the rows.
        id_: Their id.
        after: Both values of the last row of the page before; None for the first page.
        limit: The most rows on a page.
    """
    if after is not None:
        statement = statement.where(tuple_(at, id_) < after)
    return statement.order_by(at.desc(), id_.desc()).limit(limit)


def make_engine(url: str, *, pool_size: int = 10, ask_first: bool = True) -> Engine:
    """Make an engine on `postgresql://…` with short lock and statement limits.

    Args:
        url: Any `postgresql:` URL; psycopg 3 is the driver whatever it names.
        pool_size: The most connections this process keeps.
        ask_first: Whether a connection is asked if it is still alive whenever it is taken; whoever
            tries again by itself saves the way there and back.
    """
    scheme, _, rest = url.partition("://")
    if not scheme.startswith("postgres"):
        raise ValueError("The database URL must start with postgresql://")
    return create_engine(
        f"postgresql+psycopg://{rest}",
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=ask_first,
        # Positions are parameters, and an error's text ends up in logs.
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            "options": "-c lock_timeout=10s -c statement_timeout=30s -c timezone=UTC",
        },
    )


SessionFactory = sessionmaker[Session]


def make_session_factory(engine: Engine) -> SessionFactory:
    """Make the factory of sessions; rows stay readable after a commit."""
    return sessionmaker(engine, expire_on_commit=False)


def driver(session: Session) -> psycopg.Connection[Any]:
    """Return psycopg's own connection, within the session's transaction.

    For intake, where making SQLAlchemy's statements would cost more than running them, and for
    binary arrays, which SQLAlchemy does not have. What the session still holds back is sent first.
    """
    session.flush()
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError("The engine's driver must be psycopg.")
    return connection


def insert_rows(session: Session, table: str, rows: Sequence[NamedTuple]) -> None:
    """Store rows in one statement; their fields are named as the columns are. None stores nothing.

    Args:
        session: The session.
        table: The table's name.
        rows: All of one type.
    """
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        driver(session).execute(_insertion(table, type(rows[0])), columns)


def update_rows(
    session: Session, table: str, rows: Sequence[NamedTuple], *, lasting: tuple[str, ...]
) -> None:
    """Store in one statement how rows now stand, each found by its `id`. None stores nothing.

    Args:
        session: The session.
        table: The table's name.
        rows: All of one type; their fields are named as the columns are.
        lasting: Those that never change, and are not written again.
    """
    if rows:
        kind = type(rows[0])
        names = tuple(name for name in kind._fields if name not in lasting)
        columns = [[getattr(row, name) for row in rows] for name in names]
        driver(session).execute(_change(table, kind, names), columns)


@lru_cache
def _insertion(table: str, row: type[NamedTuple]) -> bytes:
    """Return the statement that inserts rows of a type, given an array for each column."""
    statement = sql.SQL("INSERT INTO {} ({}) SELECT * FROM {}").format(
        sql.Identifier(table), _identifiers(row._fields), _arrays(row, row._fields)
    )
    return statement.as_bytes(None)


@lru_cache
def _change(table: str, row: type[NamedTuple], names: tuple[str, ...]) -> bytes:
    """Return the statement that changes these columns of rows, given an array for each."""
    changed = [sql.Identifier(name) for name in names if name != "id"]
    statement = sql.SQL("UPDATE {0} SET {1} FROM {2} AS new ({3}) WHERE {0}.id = new.id").format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.SQL("{0} = new.{0}").format(name) for name in changed),
        _arrays(row, names),
        _identifiers(names),
    )
    return statement.as_bytes(None)


def _identifiers(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _arrays(row: type[NamedTuple], names: Sequence[str]) -> sql.Composed:
    """Return the rows that an array for each of a type's fields makes."""
    hints = get_type_hints(row)
    arrays = []
    for name in names:
        [kind] = [one for one in get_args(hints[name]) or (hints[name],) if one is not NoneType]
        arrays.append(sql.SQL("%s::{}[]").format(sql.SQL(SQL_TYPES[kind])))
    return sql.SQL("unnest({})").format(sql.SQL(", ").join(arrays))


SQL_TYPES: dict[type, LiteralString] = {
    UUID: "uuid",
    datetime: "timestamptz",
    timedelta: "interval",
    str: "text",
    int: "int4",
    bool: "bool",
}


@contextmanager
def transaction(sessions: SessionFactory) -> Iterator[Session]:
    """Run the block in one transaction: committed at its end, rolled back if it raises."""
    with sessions() as session, session.begin():
        yield session
