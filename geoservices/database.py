"""The one database: its metadata, engine, sessions and transactions."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Engine,
    Interval,
    MetaData,
    Select,
    any_,
    bindparam,
    create_engine,
    event,
    tuple_,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

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


def among(column: InstrumentedAttribute[Any], values: Iterable[object]) -> ColumnElement[bool]:
    """Return the condition that a column has one of the values, however many.

    They go as one array, so that the statement is always the same text: psycopg finds it prepared,
    where `IN` would be written and read anew with a parameter for each value.
    """
    return column == any_(bindparam(None, list(set(values)), type_=ARRAY(column.type)))


class DatabaseRole(StrEnum):
    """As whom a connection asks; whoever logs in must be a member of the two that are named."""

    OWNER = "none"
    """Whom the URL names: for migrations, and for what only a table's owner may do."""
    SERVICE = "geoservices_service"
    """Everybody's rows: for intake, workers and the operator's commands."""
    CALLER = "geoservices_caller"
    """Only what `scopes` lets through, which is nothing at first: for the API's requests."""


OPTIONS = "-c lock_timeout=10s -c statement_timeout=30s -c timezone=UTC -c jit=off"
"""For every connection.

PostgreSQL would compile what it reckons dear, which takes half a second for statements that take
milliseconds; with `BY_INDEX` it reckons whatever reads a small table as a whole very dear.
"""
PATIENCE: Final[Mapping[str, int]] = {
    "connect_timeout": 3,
    "tcp_user_timeout": 6000,
    "keepalives_idle": 3,
    "keepalives_interval": 2,
    "keepalives_count": 2,
}
"""For every connection: a server that vanishes without a word holds nobody for long.

What was sent must be acknowledged within 6 s, and while an answer is waited for its system
is asked every few seconds whether it is still there. What only takes long is another matter.
"""
AWAY_STATES = ("08", "57P01", "57P02", "57P03")
"""How PostgreSQL's codes for lost connections and servers that shut down or start begin."""
PREPARED = "prepared"
"""Where a connection keeps the names of the statements that `trips` has prepared on it."""
BY_INDEX = "-c enable_seqscan=off"
"""For connections whose statements each find few rows of many, and find them by an index.

A plan made while a table was empty, that of a foreign key's check too, would read the whole of it
for each row, until somebody looks at the table again.
"""
BY_KEY = f"-c plan_cache_mode=force_generic_plan {BY_INDEX}"
"""For those that, besides, run the same few all day. PostgreSQL would plan some anew each time."""
PLANS_LAST_S: Final = 5.0
"""For so long such a connection keeps its plans: tables grow, and joins go by their sizes."""
PLANNED_AT = "planned_at"
"""Where it keeps since when."""


def make_engine(
    url: str,
    *,
    role: DatabaseRole = DatabaseRole.SERVICE,
    pool_size: int = 10,
    ask_first: bool = True,
    by_index: bool = False,
    by_key: bool = False,
) -> Engine:
    """Make an engine on `postgresql://…` with short lock and statement limits.

    Args:
        url: Any `postgresql:` URL; psycopg 3 is the driver whatever it names.
        role: As whom its connections ask.
        pool_size: The most connections this process keeps.
        ask_first: Whether a connection is asked if it is still alive whenever it is taken; whoever
            tries again by itself saves the way there and back.
        by_index: Whether its statements find their rows by an index.
        by_key: Whether, besides, they are always the same; those of `trips` are then prepared once
            for each connection.
    """
    scheme, _, rest = url.partition("://")
    if not scheme.startswith("postgres"):
        raise ValueError("The database URL must start with postgresql://")
    planned = BY_KEY if by_key else BY_INDEX if by_index else ""
    engine = create_engine(
        f"postgresql+psycopg://{rest}",
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=ask_first,
        # Positions are parameters, and an error's text ends up in logs.
        hide_parameters=True,
        connect_args={
            **PATIENCE,
            "options": " ".join([OPTIONS, acting_as(role), planned]),
        },
    )
    if by_key:
        event.listen(engine, "connect", _keep_prepared)
    if planned:
        event.listen(engine, "checkout", _plan_anew)
    return engine


def connect(url: str, *, role: DatabaseRole = DatabaseRole.SERVICE) -> psycopg.Connection[Any]:
    """Make a connection of psycopg's own, each statement of which is a transaction."""
    address = make_conninfo(url, options=f"{OPTIONS} {acting_as(role)}", **PATIENCE)
    return psycopg.connect(address, autocommit=True)


def acting_as(role: DatabaseRole) -> str:
    """Return the option that makes a connection ask as a role from its beginning."""
    return f"-c role={role}"


def _keep_prepared(driver: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    # When psycopg rolls back it drops every statement, unless it has prepared none itself.
    driver.prepare_threshold = None
    record.info[PREPARED] = dict[bytes, bytes]()


def _plan_anew(driver: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
    now = time.monotonic()
    if now - record.info.setdefault(PLANNED_AT, now) >= PLANS_LAST_S:
        driver.cursor().execute("DISCARD PLANS")
        driver.commit()
        record.info[PLANNED_AT] = now


SessionFactory = sessionmaker[Session]
Step = Callable[[Session], None]
LAST = "last"
"""Where a session keeps what is done at its end."""


def make_session_factory(engine: Engine) -> SessionFactory:
    """Make the factory of sessions; rows stay readable after a commit."""
    return sessionmaker(engine, expire_on_commit=False)


def driver(session: Session) -> psycopg.Connection[Any]:
    """Return psycopg's own connection, within the session's transaction.

    For what SQLAlchemy has no words for, or would be slow at; intake asks by `trips`. What the
    session still holds back is sent first.
    """
    session.flush()
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError("The engine's driver must be psycopg.")
    return connection


def is_away(error: Exception) -> bool:
    """Tell whether it was the database that could not be reached, whatever was asked of it."""
    if isinstance(error, PoolTimeout | InterfaceError):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.OperationalError):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(AWAY_STATES)


@contextmanager
def transaction(sessions: SessionFactory) -> Iterator[Session]:
    """Run the block in one transaction: committed at its end, rolled back if it raises."""
    with sessions() as session, session.begin():
        yield session
        while steps := session.info.pop(LAST, None):
            for step in steps:
                step(session)


def at_the_end(session: Session, step: Step) -> None:
    """Have something done as the last thing of a `transaction`, just before it is committed."""
    session.info.setdefault(LAST, []).append(step)
