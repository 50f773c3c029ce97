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


@lru_cache
def _insertion(table: str, row: type[NamedTuple]) -> bytes:
    """Return the statement that inserts rows of a type, given an array for each column."""
    arrays = []
    for hint in get_type_hints(row).values():
        [kind] = [one for one in get_args(hint) or (hint,) if one is not NoneType]
        arrays.append(sql.SQL("%s::{}[]").format(sql.SQL(SQL_TYPES[kind])))
    statement = sql.SQL("INSERT INTO {} ({}) SELECT * FROM unnest({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row._fields)),
        sql.SQL(", ").join(arrays),
    )
    return statement.as_bytes(None)


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
