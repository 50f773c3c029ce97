"""Connections that trips use: what stays prepared on them, and what they survive."""

import os
import socket
from collections.abc import Callable, Iterator
from threading import Timer
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from geoservices import database
from geoservices.arrays import Integers, Texts, Uuids
from geoservices.database import (
    SessionFactory,
    driver,
    is_away,
    make_engine,
    make_session_factory,
    transaction,
)
from geoservices.trips import ask, insert_rows, send, together
from tests.tripping import INSERT, MAKE_THINGS, all_things, doubled, send_all, thing

PART_OF_ITSELF = """
    WITH made AS (SELECT gen_random_uuid() AS id)
    INSERT INTO things (id, size, part_of) SELECT id, 1, id FROM made
"""
SCANNED = """
    SELECT seq_scan, idx_scan >= 10 FROM pg_stat_xact_user_tables WHERE relname = 'things'
"""
KEPT = "SELECT name, statement FROM pg_prepared_statements ORDER BY name"


@pytest.fixture
def by_key(database_url: str) -> Iterator[Engine]:
    """An engine as intake has it: one connection, nobody asks if it is alive."""
    engine = make_engine(database_url, pool_size=1, ask_first=False, by_key=True)
    yield engine
    engine.dispose()


@pytest.fixture
def intake(by_key: Engine) -> SessionFactory:
    """Its sessions."""
    return make_session_factory(by_key)


@pytest.fixture
def things(owner: Engine) -> Iterator[psycopg.Connection[Any]]:
    """A connection of somebody else's, who has made a table."""
    with owner.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        raw.execute(MAKE_THINGS.encode())
        raw.commit()
        yield raw
        raw.rollback()
        raw.execute("DROP TABLE things")
        raw.commit()


def kept(session: Session) -> dict[str, str]:
    """What is prepared on the session's connection, by name."""
    return dict(driver(session).execute(KEPT).fetchall())


def twice(sessions: SessionFactory, number: int) -> Any:
    """Ask for twice a number in a transaction of its own."""
    with transaction(sessions) as session:
        [answer] = doubled(session, number)()
    return answer


def test_each_statement_is_prepared_once(intake: SessionFactory) -> None:
    """However often and in whatever company it is run, and whatever it is given."""
    for number in range(20):
        assert twice(intake, number) == 2 * number
        with transaction(intake) as session, together(session, commit=True):
            doubled(session, number)
            send(session, b"SELECT 'another'")

    with intake() as session:
        statements = kept(session).values()
    assert sorted(statements) == ["BEGIN", "COMMIT", "SELECT 'another'", "SELECT 2 * ($1)[1]"]


def test_what_is_prepared_is_run_without_being_planned_anew(intake: SessionFactory) -> None:
    """One plan for all, by an index even where the table was empty when it was made."""
    for number in range(20):
        twice(intake, number)

    with intake() as session:
        [plans] = (
            driver(session)
            .execute(
                "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
                " WHERE statement LIKE 'SELECT 2%'"
            )
            .fetchall()
        )
        assert plans == (20, 0)
        assert driver(session).execute("SHOW enable_seqscan").fetchone() == ("off",)


def test_plans_are_made_anew_from_time_to_time(
    intake: SessionFactory,
    things: psycopg.Connection[Any],  # noqa: ARG001  # The table is wanted.
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that was good for what a table held then need not be good for ever."""
    size_of = b"SELECT size FROM things WHERE id = ($1)[1]"

    def plan() -> str:
        with intake() as session:
            [name] = (
                name for name, statement in kept(session).items() if statement == size_of.decode()
            )
            lines = driver(session).execute(f"EXPLAIN EXECUTE {name} (ARRAY[gen_random_uuid()])")
            return str(lines.fetchall())

    with transaction(intake) as session:
        for setting in ("indexscan = off", "bitmapscan = off", "seqscan = on"):
            driver(session).execute(f"SET LOCAL enable_{setting}")
        ask(session, size_of, Uuids.listed([uuid4()]), make=tuple)()

    assert "Seq Scan" in plan()
    monkeypatch.setattr(database, "PLANS_LAST_S", 0.0)
    assert "Index Scan" in plan()


def test_whoever_picks_few_of_many_reads_no_whole_table(
    database_url: str,
    things: psycopg.Connection[Any],  # noqa: ARG001  # The table is wanted.
) -> None:
    """Nor does the check of a foreign key, even if it was first made while the table was empty."""
    engine = make_engine(database_url, pool_size=1, by_index=True)
    sessions = make_session_factory(engine)

    def make_some(session: Session) -> None:
        connection = driver(session)
        for _ in range(10):
            connection.execute(PART_OF_ITSELF)
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert connection.execute(SCANNED).fetchone() == (0, True)

    for _ in range(2):
        with transaction(sessions) as session:
            make_some(session)
    engine.dispose()


def test_psycopg_prepares_nothing_there(intake: SessionFactory) -> None:
    """When it rolled back it would drop everybody's statements."""
    with intake() as session:
        for _ in range(10):
            driver(session).execute("SELECT %s", [1])
        assert kept(session) == {}


def test_what_is_prepared_survives_rollbacks_and_failures(intake: SessionFactory) -> None:
    """Of the transaction it was prepared in, and of later ones."""
    divide = b"SELECT 10 / ($1)[1]"
    with intake() as session:
        doubled(session, 1)()
        before = kept(session)
        session.rollback()
        for _ in range(3):
            with pytest.raises(psycopg.errors.DivisionByZero):
                ask(session, divide, Integers.listed([0]), make=tuple)()
            session.rollback()
        assert before.items() <= kept(session).items()
        assert len(kept(session)) == len(before) + 1
        session.rollback()

        assert ask(session, divide, Integers.listed([5]), make=tuple)() == [(2,)]
        assert doubled(session, 2)() == [4]


def test_a_statement_that_cannot_be_prepared_spoils_no_other(
    intake: SessionFactory, things: psycopg.Connection[Any]
) -> None:
    """Nor itself, once there is what it asks for."""
    things.execute("ALTER TABLE things RENAME TO elsewhere")
    things.commit()
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable), transaction(intake) as session:
            send_all(session, b"SELECT 1", b"SELECT size FROM things", b"SELECT 'behind it'")
    with intake() as session:
        assert ask(session, b"SELECT 'behind it'", make=tuple)() == [("behind it",)]
        with pytest.raises(psycopg.errors.UndefinedTable):
            all_things(session)
        session.rollback()
        assert doubled(session, 2)() == [4]
    things.execute("ALTER TABLE elsewhere RENAME TO things")
    things.commit()

    with intake() as session:
        assert all_things(session) == []
        assert doubled(session, 4)() == [8]
        assert len(kept(session)) == 5


def test_on_an_ordinary_engine_nothing_stays_prepared(committed: SessionFactory) -> None:
    """Its connections serve everyone, and are rolled back by whoever likes."""
    with committed() as session:
        for number in range(20):
            with together(session):
                answer = doubled(session, number)
            assert answer() == [2 * number]

        assert "SELECT 2 * ($1)[1]" not in kept(session).values()


def test_a_new_connection_does_not_rely_on_what_the_old_one_kept(
    by_key: Engine, intake: SessionFactory
) -> None:
    """It takes the same place in the pool."""
    for _ in range(2):
        assert twice(intake, 2) == 4
        with by_key.connect() as connection:
            connection.invalidate()


def terminate(connection: psycopg.Connection[Any], database_url: str) -> None:
    """End the server's side, as a restart does."""
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])


def cut(connection: psycopg.Connection[Any], _database_url: str) -> None:
    """End the connection without a word, as a network does."""
    with socket.socket(fileno=os.dup(connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("when", ["before", "during"])
@pytest.mark.parametrize("end", [terminate, cut])
def test_a_server_that_goes_away_is_away_and_comes_back(
    database_url: str, end: Callable[..., None], when: str, *, large: bool, keeps: bool
) -> None:
    """Before anything is sent or while it works, also with more to send than fits in between."""
    engine = make_engine(database_url, pool_size=1, ask_first=False, by_key=keeps)
    sessions = make_session_factory(engine)
    much = Texts.listed(["x" * 20_000_000 * large])

    def ask_for_much(session: Session) -> None:
        doubled(session, 1)()
        ending = Timer(0.2 if when == "during" else 0, end, [driver(session), database_url])
        ending.start()
        if when == "before":
            ending.join()
        with together(session, commit=True):
            doubled(session, 1)
            send(session, b"SELECT pg_sleep(5)")
            send(session, b"SELECT length(($1)[1])", much)
            doubled(session, 2)

    assert twice(sessions, 1) == 2
    with pytest.raises(Exception) as loss, transaction(sessions) as session:  # noqa: PT011  # Looked at below.
        ask_for_much(session)

    assert is_away(loss.value)
    assert isinstance(loss.value.__context__, psycopg.OperationalError)  # Of the trip itself.
    assert twice(sessions, 2) == 4
    engine.dispose()


def test_a_server_that_went_away_meanwhile_costs_one_failure(
    database_url: str, by_key: Engine, intake: SessionFactory
) -> None:
    """Nobody asks first: the next to use the connection learns of it, and nobody after."""
    assert twice(intake, 1) == 2
    with by_key.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
    terminate(raw, database_url)

    with pytest.raises(Exception) as loss:  # noqa: PT011  # Looked at below.
        twice(intake, 2)

    assert is_away(loss.value)
    assert twice(intake, 3) == 6


@pytest.mark.parametrize(
    "change",
    [b"ALTER TABLE things ADD COLUMN more int", b"ALTER TABLE things ALTER size TYPE bigint"],
)
def test_a_table_that_changes_meanwhile_costs_one_failure_at_most(
    intake: SessionFactory, things: psycopg.Connection[Any], change: bytes
) -> None:
    """PostgreSQL refuses a prepared statement whose rows now look different, for ever."""
    everything = b"SELECT * FROM things"
    with transaction(intake) as session:
        insert_rows(session, "things", [thing(3)])
        [before] = ask(session, everything, make=tuple)()
        assert len(all_things(session)) == 1
    things.execute(change)
    things.commit()

    with (
        pytest.raises(psycopg.errors.FeatureNotSupported, match="must not change result type"),
        transaction(intake) as session,
    ):
        send_all(session, INSERT, everything, commit=True)

    with transaction(intake) as session:
        [after] = ask(session, everything, make=tuple)()
        assert after[:5] == before
        assert [one.size for one in all_things(session)] == [3]


def test_named_columns_do_not_mind_a_new_one(
    intake: SessionFactory, things: psycopg.Connection[Any]
) -> None:
    """A migration that only adds to a table goes unnoticed."""
    with transaction(intake) as session:
        insert_rows(session, "things", [thing(3)])
        before = all_things(session)
    things.execute("ALTER TABLE things ADD COLUMN more int")
    things.commit()

    with transaction(intake) as session:
        insert_rows(session, "things", [thing(4)])
        assert all_things(session)[:1] == before
