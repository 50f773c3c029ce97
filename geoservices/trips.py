"""Statements that are prepared once, and go to PostgreSQL and back together.

For intake, where making SQLAlchemy's statements, and sending psycopg's one by one, would cost more
than running them. Parameters are packed columns; rows come back in PostgreSQL's binary format.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from types import NoneType
from typing import Any, LiteralString, NamedTuple, TypeVar, get_args, get_type_hints

from psycopg import pq, sql
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.errors import FeatureNotSupported, InFailedSqlTransaction, error_from_result
from psycopg.generators import fetch_many
from psycopg.generators import send as flush
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from geoservices.arrays import OF_TYPE, Packed
from geoservices.database import PREPARED, driver

Row = TypeVar("Row")

BEGIN, COMMIT = b"BEGIN", b"COMMIT"
Statement = tuple[bytes, Sequence[Packed]]
Command = Callable[[], None]
UNDER_WAY = "trip"
FAILED = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.PIPELINE_ABORTED)


class Trip:
    """Statements on their way there and back, in the order in which they were asked."""

    def __init__(self, session: Session) -> None:
        self._connection = driver(session)
        self._pooled = session.connection()
        self._names: dict[bytes, bytes] | None = self._pooled.info.get(PREPARED)
        self._waiting: list[Statement] = []
        self._results: list[pq.abc.PGresult] = []

    def add(self, statement: bytes, params: Sequence[Packed]) -> int:
        """Take a statement along; return the number by which its rows are asked for."""
        self._waiting.append((statement, params))
        return len(self._results) + len(self._waiting) - 1

    def rows(self, number: int, make: Callable[[Sequence[Any]], Row]) -> list[Row]:
        """Return the rows of a statement; what still waits goes first."""
        if number >= len(self._results):
            self.go()
        result = self._results[number]
        found = Transformer(self._connection)
        found.set_pgresult(result, format=pq.Format.BINARY)
        return found.load_rows(0, result.ntuples, make)

    def go(self, *, commit: bool = False) -> None:
        """Go there and back with what waits.

        Args:
            commit: Whether the transaction ends with it.

        Raises:
            psycopg.Error: What the first statement that failed says; none behind it was run. Or
                that nothing could be committed, because one had failed before.
        """
        waiting, self._waiting = self._waiting, []
        if not waiting and not commit:
            return
        with self._connection.lock:
            status = self._connection.pgconn.transaction_status
            begins = status == pq.TransactionStatus.IDLE
            statements = [*[(BEGIN, ())] * begins, *waiting, *[(COMMIT, ())] * commit]
            self._prepare(statements)
            results = self._run([self._command(*one) for one in statements])
        self._check(results)
        if commit and results[-1].command_status != COMMIT:
            # PostgreSQL rolls back what has failed, and does not call that an error.
            raise InFailedSqlTransaction("what was to be committed was rolled back")
        self._results += results[begins : len(results) - commit]

    def _prepare(self, statements: Sequence[Statement]) -> None:
        """Prepare what is new on a connection that keeps what is prepared."""
        names = self._names
        if names is None:
            return
        new = {text: params for text, params in statements if text not in names}
        if not new:
            return
        prepare = self._connection.pgconn.send_prepare
        named = {text: b"trip_%d" % number for number, text in enumerate(new, len(names))}
        commands = [
            partial(prepare, named[text], text, _oids(params)) for text, params in new.items()
        ]
        results = self._run(commands)
        for text, result in zip(new, results, strict=True):
            if result.status == pq.ExecStatus.COMMAND_OK:
                names[text] = named[text]
        self._check(results)

    def _command(self, text: bytes, params: Sequence[Packed]) -> Command:
        pgconn = self._connection.pgconn
        formats = [pq.Format.BINARY] * len(params)
        if self._names is None:
            sends = partial(pgconn.send_query_params, text, params, _oids(params))
        else:
            sends = partial(pgconn.send_query_prepared, self._names[text], params)
        return partial(sends, param_formats=formats, result_format=pq.Format.BINARY)

    def _run(self, commands: Sequence[Command]) -> list[pq.abc.PGresult]:
        """Send commands and return what each results in."""
        pgconn = self._connection.pgconn
        pgconn.enter_pipeline_mode()
        try:
            results = self._connection.wait(_there_and_back(pgconn, commands))
        except BaseException:
            if pgconn.status == pq.ConnStatus.OK:
                # What is still under way would be taken for the answer to something else.
                self._pooled.invalidate()
            raise
        pgconn.exit_pipeline_mode()
        return results

    def _check(self, results: Sequence[pq.abc.PGresult]) -> None:
        for result in results:
            if result.status in FAILED:
                error = error_from_result(result)
                if self._names is not None and isinstance(error, FeatureNotSupported):
                    # A table's columns have changed, and what was prepared before keeps failing.
                    self._pooled.invalidate(error)
                raise error


def _oids(params: Sequence[Packed]) -> list[int]:
    return [param.array_oid for param in params]


def _there_and_back(
    pgconn: pq.abc.PGconn, commands: Sequence[Command]
) -> PQGen[list[pq.abc.PGresult]]:
    for command in [*commands, pgconn.pipeline_sync]:
        command()
    yield from flush(pgconn)
    results = []
    for _ in commands:
        [result] = yield from fetch_many(pgconn)
        results.append(result)
    yield from fetch_many(pgconn)
    return results


@contextmanager
def together(session: Session, *, commit: bool = False) -> Iterator[None]:
    """Let what is asked within the block go to PostgreSQL together, at its end.

    Args:
        session: Nothing else is asked of it within the block.
        commit: Whether the transaction is committed with it, which saves another way there and
            back; not if it is part of a larger one. Whoever began it commits it nevertheless.

    Raises:
        psycopg.Error: What the first statement that failed says.
        RuntimeError: There is such a block round this one, whose statements would come second.
    """
    if UNDER_WAY in session.info:
        raise RuntimeError("What goes together cannot hold another that goes by itself")
    trip = session.info[UNDER_WAY] = Trip(session)
    try:
        yield
    finally:
        del session.info[UNDER_WAY]
    alone = isinstance(session.get_bind(), Engine) and not session.in_nested_transaction()
    trip.go(commit=commit and alone)


def ask(
    session: Session, statement: bytes, *params: Packed, make: Callable[[Sequence[Any]], Row]
) -> Callable[[], list[Row]]:
    """Ask for rows, at once or with whatever else goes together.

    Args:
        session: The session.
        statement: Its parameters are $1, $2…; it is prepared once for each connection.
        params: The parameters.
        make: Makes a row of its values.

    Returns:
        What returns the rows; within a block of `together` it makes what waits go at once.
    """
    under_way: Trip | None = session.info.get(UNDER_WAY)
    trip = under_way or Trip(session)
    number = trip.add(statement, params)
    if under_way is None:
        trip.go()
    return partial(trip.rows, number, make)


def send(session: Session, statement: bytes, *params: Packed) -> None:
    """Run a statement whose rows nobody wants; else as `ask` does."""
    ask(session, statement, *params, make=tuple)


def insert_rows(
    session: Session,
    table: str,
    rows: Sequence[NamedTuple],
    *,
    replacing: tuple[str, ...] = (),
    where: LiteralString = "true",
) -> None:
    """Store rows in one statement; their fields are named as the columns are. None stores nothing.

    Args:
        session: The session.
        table: The table's name.
        rows: All of one type.
        replacing: The columns of a unique key; a row that is there with the same values in them
            takes the others from the new one. None: that is an error.
        where: Which rows are stored, a condition in which each is called `new`.
    """
    if rows:
        send(session, _insertion(table, type(rows[0]), replacing, where), *_packed(rows))


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
        send(session, _change(table, type(rows[0]), lasting), *_packed(rows, left_out=lasting))


def _packed(rows: Sequence[NamedTuple], *, left_out: tuple[str, ...] = ()) -> Iterator[Packed]:
    """Return the columns of rows but some."""
    row = type(rows[0])
    columns = zip(row._fields, _kinds(row), zip(*rows, strict=True), strict=True)
    return (kind.listed(column) for name, kind, column in columns if name not in left_out)


@lru_cache
def _kinds(row: type[NamedTuple]) -> list[type[Packed]]:
    """Return how each field of a type of rows is packed."""
    kinds = []
    for hint in get_type_hints(row).values():
        [kind] = [one for one in get_args(hint) or (hint,) if one is not NoneType]
        kinds.append(OF_TYPE[kind])
    return kinds


@lru_cache
def _insertion(
    table: str, row: type[NamedTuple], replacing: tuple[str, ...], where: LiteralString
) -> bytes:
    """Return the statement that inserts rows of a type, given an array for each column."""
    statement = sql.SQL(
        "INSERT INTO {0} ({1}) SELECT * FROM unnest({2}) AS new ({1}) WHERE {3}"
    ).format(
        sql.Identifier(table),
        _identifiers(row._fields),
        _parameters(len(row._fields)),
        sql.SQL(where),
    )
    if replacing:
        changed = [sql.Identifier(name) for name in row._fields if name not in replacing]
        statement += sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}").format(
            _identifiers(replacing),
            sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in changed),
        )
    return statement.as_bytes(None)


@lru_cache
def _change(table: str, row: type[NamedTuple], lasting: tuple[str, ...]) -> bytes:
    """Return the statement that changes rows of a type, given an array for each column."""
    names = [name for name in row._fields if name not in lasting]
    changed = [sql.Identifier(name) for name in names if name != "id"]
    statement = sql.SQL(
        "UPDATE {0} SET {1} FROM unnest({2}) AS new ({3}) WHERE {0}.id = new.id"
    ).format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.SQL("{0} = new.{0}").format(name) for name in changed),
        _parameters(len(names)),
        _identifiers(names),
    )
    return statement.as_bytes(None)


def _identifiers(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _parameters(count: int) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL(f"${number}") for number in range(1, count + 1))
