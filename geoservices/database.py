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

from geoservices.arrays import OF_TYPE, Packed

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


LIMITS = "-c lock_timeout=10s -c statement_timeout=30s -c timezone=UTC"
BY_KEY = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off"
"""For connections that run the same few statements all day, each finding its rows by an index.

PostgreSQL would plan some of them anew each time, and keep a plan made while a table was empty.
"""


def make_engine(
    url: str, *, pool_size: int = 10, ask_first: bool = True, by_key: bool = False
) -> Engine:
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
            "options": f"{LIMITS} {BY_KEY}" if by_key else LIMITS,
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
        driver(session).execute(_insertion(table, type(rows[0])), _columns(rows))


def update_rows(session: Session, table: str, rows: Sequence[NamedTuple]) -> None:
    """Change rows in one statement: each gets the values of the one with its id.

    Args:
        session: The session.
        table: The table's name.
        rows: All of one type, with an `id`; their fields are named as the columns are.
    """
    if rows:
        driver(session).execute(_update(table, type(rows[0])), _columns(rows))


def _columns(rows: Sequence[NamedTuple]) -> list[Packed]:
    columns = zip(*rows, strict=True)
    return [
        kind.listed(column) for kind, column in zip(_kinds(type(rows[0])), columns, strict=True)
    ]


@lru_cache
def _kinds(row: type[NamedTuple]) -> list[type[Packed]]:
    """Return how each field of a type of rows is packed."""
    kinds = []
    for hint in get_type_hints(row).values():
        [kind] = [one for one in get_args(hint) or (hint,) if one is not NoneType]
        kinds.append(OF_TYPE[kind])
    return kinds


@lru_cache
def _insertion(table: str, row: type[NamedTuple]) -> bytes:
    """Return the statement that inserts rows of a type, given an array for each column."""
    statement = sql.SQL("INSERT INTO {} ({}) SELECT * FROM unnest({})").format(
        sql.Identifier(table), _names(row), _arrays(row)
    )
    return statement.as_bytes(None)


@lru_cache
def _update(table: str, row: type[NamedTuple]) -> bytes:
    """Return the statement that updates rows of a type, given an array for each column."""
    changes = [
        sql.SQL("{0} = new.{0}").format(sql.Identifier(name))
        for name in row._fields
        if name != "id"
    ]
    statement = sql.SQL(
        "UPDATE {table} SET {changes} FROM unnest({arrays}) AS new ({names}) "
        "WHERE {table}.id = new.id"
    ).format(
        table=sql.Identifier(table),
        changes=sql.SQL(", ").join(changes),
        arrays=_arrays(row),
        names=_names(row),
    )
    return statement.as_bytes(None)


def _names(row: type[NamedTuple]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, row._fields))


def _arrays(row: type[NamedTuple]) -> sql.Composed:
    return sql.SQL(", ").join([sql.SQL("%b")] * len(row._fields))


@contextmanager
def transaction(sessions: SessionFactory) -> Iterator[Session]:
    """Run the block in one transaction: committed at its end, rolled back if it raises."""
    with sessions() as session, session.begin():
        yield session
