"""Statements that go together, on connections that keep what is prepared."""

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from psycopg import pq
from sqlalchemy import text
from sqlalchemy.orm import Session

from geoservices.arrays import Integers
from geoservices.database import (
    PREPARED,
    SessionFactory,
    driver,
    make_engine,
    make_session_factory,
    transaction,
)
from geoservices.trips import Trip, ask, send, together

KEEP = b"INSERT INTO kept SELECT * FROM unnest($1)"
KEPT = b"SELECT number FROM kept ORDER BY number"
HALF = b"SELECT 1 / unnest($1)"


@pytest.fixture(params=[False, True], ids=["each-anew", "prepared"])
def sessions(request: pytest.FixtureRequest, database_url: str) -> Iterator[SessionFactory]:
    """Sessions on one connection, and a table of numbers."""
    engine = make_engine(database_url, pool_size=1, ask_first=False, by_key=request.param)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept (number integer PRIMARY KEY)"))
    yield make_session_factory(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE kept"))
    engine.dispose()


def number_of(row: Sequence[Any]) -> int:
    """The one value of a row."""
    number: int = row[0]
    return number


def kept(sessions: SessionFactory) -> list[int]:
    """What others see."""
    with transaction(sessions) as session:
        return ask(session, KEPT, make=number_of)()


def keep(session: Session, *numbers: int) -> None:
    """Store numbers."""
    send(session, KEEP, Integers.listed(numbers))


def test_what_goes_together_is_answered_in_the_order_it_was_asked(
    sessions: SessionFactory,
) -> None:
    """And an answer wanted within the block makes it go at once."""
    with transaction(sessions) as session:
        with together(session):
            keep(session, 1)
            one = ask(session, KEPT, make=number_of)
            keep(session, 2)
            assert one() == [1]
            two = ask(session, KEPT, make=number_of)
        assert (one(), two()) == ([1], [1, 2])
    assert kept(sessions) == [1, 2]


def test_nothing_is_kept_of_what_failed_though_a_commit_went_with_it(
    sessions: SessionFactory,
) -> None:
    """Neither what stood before it nor what stood behind; the connection goes on being used."""

    def divide(by: int) -> None:
        with transaction(sessions) as session, together(session, commit=True):
            keep(session, 1)
            send(session, HALF, Integers.listed([by]))
            keep(session, 2)

    with pytest.raises(psycopg.errors.DivisionByZero):
        divide(0)

    assert kept(sessions) == []
    divide(1)
    assert kept(sessions) == [1, 2]


def test_nothing_goes_of_a_block_that_raised(sessions: SessionFactory) -> None:
    """What it had asked for is forgotten with it."""

    def stop() -> None:
        with transaction(sessions) as session, together(session, commit=True):
            keep(session, 1)
            raise KeyError

    with pytest.raises(KeyError):
        stop()

    assert kept(sessions) == []


def test_a_commit_that_goes_along_leaves_nothing_to_commit(sessions: SessionFactory) -> None:
    """Whoever ends the session finds the transaction over."""
    with transaction(sessions) as session:
        with together(session, commit=True):
            keep(session, 1)
        assert driver(session).info.transaction_status is pq.TransactionStatus.IDLE


def test_a_statement_is_prepared_once_though_transactions_fail(
    sessions: SessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a connection that keeps them; on others never."""
    runs: list[int] = []
    run = Trip._run

    def noting(trip: Trip, commands: Any) -> Any:
        runs.append(len(commands))
        return run(trip, commands)

    monkeypatch.setattr(Trip, "_run", noting)
    with transaction(sessions) as session:
        keeps = PREPARED in session.connection().info
        keep(session, 1)
    with pytest.raises(psycopg.errors.UniqueViolation), transaction(sessions) as session:
        keep(session, 1)
    with transaction(sessions) as session:
        keep(session, 2)

    # Each time BEGIN and the statement; before the first, the two are prepared.
    assert runs == [*[2] * keeps, 2, 2, 2]


def test_a_statement_that_cannot_be_prepared_spoils_no_other(sessions: SessionFactory) -> None:
    """What is known of the connection stays what it holds."""

    def look_nowhere() -> None:
        with transaction(sessions) as session, together(session, commit=True):
            keep(session, 1)
            send(session, b"SELECT * FROM nowhere")

    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            look_nowhere()
    with transaction(sessions) as session:
        keep(session, 2)
    assert kept(sessions) == [2]
