"""Statements that go together: their order, their errors, their transaction."""

from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from uuid import uuid4

import psycopg
import pytest
from psycopg.pq import Trace, TransactionStatus
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from geoservices.arrays import Integers, Packed, Texts
from geoservices.database import SessionFactory, driver, make_engine, make_session_factory
from geoservices.trips import ask, insert_rows, send, together, update_rows
from tests.factories import make_organisation
from tests.tripping import INSERT, MAKE_THINGS, Thing, all_things, doubled, send_all, thing

NEXT = b"SELECT nextval('steps')"
FAILS = b"SELECT 1 / 0"
MEGABYTE = 2**20


@pytest.fixture(params=[True, False], ids=["prepared", "unprepared"])
def own(
    database_url: str, owner: Engine, request: pytest.FixtureRequest
) -> Iterator[SessionFactory]:
    """Sessions that commit, on connections that keep what is prepared, and on others."""
    engine = make_engine(database_url, pool_size=2, ask_first=False, by_key=request.param)
    with owner.begin() as connection:
        connection.exec_driver_sql(MAKE_THINGS)
        connection.exec_driver_sql("DROP SEQUENCE IF EXISTS steps; CREATE SEQUENCE steps")
    yield make_session_factory(engine)
    with owner.begin() as connection:
        connection.exec_driver_sql("DROP TABLE things; DROP SEQUENCE steps")
    engine.dispose()


def steps(sessions: SessionFactory) -> int:
    """How many steps were taken, whatever became of their transactions."""
    with sessions() as session:
        [taken] = ask(session, b"SELECT last_value - 1 + is_called::int FROM steps", make=sum)()
        return taken


def stored(sessions: SessionFactory) -> list[Thing]:
    """What another connection sees."""
    with sessions() as session:
        return all_things(session)


def test_each_statement_sees_what_those_before_it_did(own: SessionFactory) -> None:
    """And each is answered by its own rows, in whatever order they are read."""
    small, large = thing(1), thing(2)
    with own() as session:
        with together(session):
            before = ask(session, b"SELECT count(*) FROM things", make=sum)
            insert_rows(session, "things", [large, small])
            there = ask(session, b"SELECT size FROM things ORDER BY size", make=tuple)
            send(session, b"DELETE FROM things")
            after = ask(session, b"SELECT count(*) FROM things", make=sum)
            twice = doubled(session, 21)

        assert (twice(), after(), there(), before()) == ([42], [0], [(1,), (2,)], [0])
        assert there() == [(1,), (2,)]


def test_one_trip_and_one_transaction(own: SessionFactory, tmp_path: Path) -> None:
    """However many statements: sent at once, begun by the first trip only."""
    seen = tmp_path / "trace"
    notices: list[str | None] = []
    with own() as session, seen.open("wb") as file:
        doubled(session, 1)()
        session.rollback()  # Whatever there is to be prepared is.
        connection = driver(session)
        connection.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        connection.pgconn.trace(file.fileno())
        connection.pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        with together(session):
            doubles = [doubled(session, number) for number in range(5)]
        with together(session):
            more = doubled(session, 5)
        connection.pgconn.untrace()

        assert [*(double() for double in doubles), more()] == [[0], [2], [4], [6], [8], [10]]
        assert connection.info.transaction_status == TransactionStatus.INTRANS
    ways = [line.split()[:3] for line in seen.read_text().splitlines()]
    assert sum(way[0] == "F" and way[2] == "Sync" for way in ways) == 2
    assert seen.read_text().count('CommandComplete\t "BEGIN"') == 1
    assert notices == []


def test_rows_asked_for_within_the_block_make_what_waits_go(own: SessionFactory) -> None:
    """They are known there; the rest goes at the end, in the same transaction."""
    with own() as session:
        with together(session):
            send(session, NEXT)
            twice = doubled(session, 2)
            steps_before = steps(own)
            assert twice() == [4]
            steps_between = steps(own)
            send(session, NEXT)
            again = doubled(session, 4)
            assert twice() == [4]

        assert again() == [8]
        assert (steps_before, steps_between, steps(own)) == (0, 1, 2)


def test_a_block_that_raises_sends_nothing(own: SessionFactory) -> None:
    """Not even what waited before; the session goes on."""

    def break_off(session: Session) -> None:
        with together(session, commit=True):
            send(session, NEXT)
            raise KeyError

    with own() as session:
        with pytest.raises(KeyError):
            break_off(session)

        assert doubled(session, 3)() == [6]
        session.commit()
    assert steps(own) == 0


def test_an_empty_block_asks_nothing(own: SessionFactory) -> None:
    """Nothing begins."""
    with own() as session:
        with together(session):
            pass

        assert driver(session).info.transaction_status == TransactionStatus.IDLE


@pytest.mark.parametrize("commit", [False, True])
def test_the_first_that_fails_says_why_and_none_behind_it_is_run(
    own: SessionFactory, *, commit: bool
) -> None:
    """Nothing is committed; after a rollback the session can be used."""
    with own() as session:
        with pytest.raises(psycopg.errors.DivisionByZero, match="division by zero"):
            send_all(session, INSERT, NEXT, FAILS, NEXT, commit=commit)
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            doubled(session, 1)()
        session.rollback()

        assert doubled(session, 1)() == [2]
    assert stored(own) == []
    assert steps(own) == 1


def test_a_failure_that_was_swallowed_is_not_taken_for_a_commit(own: SessionFactory) -> None:
    """PostgreSQL answers COMMIT with ROLLBACK then, which is no error of its own."""
    with own() as session:
        insert_rows(session, "things", [thing()])
        with (
            pytest.raises(psycopg.errors.InFailedSqlTransaction, match="rolled back"),
            together(session, commit=True),
            pytest.raises(psycopg.errors.DivisionByZero),
        ):
            ask(session, FAILS, make=tuple)()

    assert stored(own) == []


def test_one_block_cannot_hold_another(own: SessionFactory) -> None:
    """Its statements would overtake those that wait; neither sends any."""

    def nest(session: Session) -> None:
        with together(session):
            send(session, NEXT)
            send_all(session, NEXT)

    with own() as session:
        with pytest.raises(RuntimeError, match="cannot hold another"):
            nest(session)

        assert doubled(session, 3)() == [6]
    assert steps(own) == 0


def test_notices_and_notifications_are_no_answers(own: SessionFactory) -> None:
    """They arrive between the rows, and at the end of a transaction."""
    shout = b"DO $$ BEGIN FOR i IN 1..2000 LOOP RAISE NOTICE 'step %', i; END LOOP; END $$"
    notices: list[str | None] = []
    with own() as session:
        connection = driver(session)
        connection.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        send(session, b"LISTEN steps")
        session.commit()
        with together(session, commit=True):
            one = doubled(session, 1)
            send(session, shout)
            send(session, b"SELECT pg_notify('steps', 'one')")
            two = doubled(session, 2)
        with together(session):
            three = doubled(session, 3)
        heard = [notify.payload for notify in connection.notifies(timeout=0.01)]

        assert (one(), two(), three()) == ([2], [4], [6])
        assert notices == [f"step {number}" for number in range(1, 2001)]
        assert heard == ["one"]
        send(session, b"UNLISTEN steps")


def test_more_than_any_buffer_holds_in_both_directions(own: SessionFactory) -> None:
    """PostgreSQL answers before it has read all: neither side waits for the other for ever."""
    large = ["x" * (16 * MEGABYTE), "y" * MEGABYTE]
    with own() as session:
        connection = driver(session)
        cancel = Timer(20, connection.pgconn.finish)
        cancel.start()
        with together(session):
            echoes = [
                ask(session, b"SELECT unnest($1)", Texts.listed(large), make=lambda row: row[0])
                for _ in range(3)
            ]
            rows = ask(session, b"SELECT i, i::text FROM generate_series(1, 20000) i", make=tuple)
        cancel.cancel()

        assert all(echo() == large for echo in echoes)
        assert rows() == [(number, str(number)) for number in range(1, 20001)]


def test_what_is_committed_with_the_trip_is_seen_at_once(own: SessionFactory) -> None:
    """Before the block's session says that it commits, which it then may."""
    one = thing()
    with own() as session, session.begin():
        with together(session, commit=True):
            insert_rows(session, "things", [one])

        assert stored(own) == [one]
        assert driver(session).info.transaction_status == TransactionStatus.IDLE


def test_without_being_told_it_commits_nothing(own: SessionFactory) -> None:
    """Whoever began the transaction ends it."""
    with own() as session:
        with together(session):
            insert_rows(session, "things", [thing()])
        insert_rows(session, "things", [thing()])
        within = len(all_things(session))

        assert (within, stored(own)) == (2, [])


def test_what_is_part_of_a_larger_transaction_is_not_committed(own: SessionFactory) -> None:
    """Of one that someone else began, or behind a savepoint."""
    engine = own.kw["bind"]
    with engine.connect() as connection, connection.begin() as outer:
        with Session(connection) as session, together(session, commit=True):
            insert_rows(session, "things", [thing()])
        outer.rollback()
    with own() as session:
        with session.begin_nested() as savepoint:
            with together(session, commit=True):
                insert_rows(session, "things", [thing()])
            savepoint.rollback()
        session.commit()

    assert stored(own) == []


def test_a_promise_broken_at_the_commit_is_told(own: SessionFactory) -> None:
    """A deferred constraint is looked at no earlier."""
    with own() as session:
        with (
            pytest.raises(psycopg.errors.ForeignKeyViolation),
            together(session, commit=True),
        ):
            insert_rows(session, "things", [thing(part_of=uuid4())])

        insert_rows(session, "things", [thing(7)])
        session.commit()
    assert [one.size for one in stored(own)] == [7]


@pytest.mark.parametrize("commit", [False, True])
def test_a_statement_that_cannot_be_sent_leaves_nothing_under_way(
    own: SessionFactory, *, commit: bool
) -> None:
    """The next does not get the answers to those that were sent before it."""
    far_too_many: list[Packed] = [Integers.listed([1])] * 70_000

    def overdo(session: Session) -> None:
        with together(session, commit=commit):
            send(session, NEXT)
            send(session, b"SELECT 2", *far_too_many)

    with own() as session:
        with pytest.raises(psycopg.OperationalError, match="number of parameters") as refusal:
            overdo(session)
        session.rollback()

        assert refusal.value.__context__ is None
        assert doubled(session, 3)() == [6]


def test_rows_are_stored_and_changed_in_one_statement_each(
    session: Session, statements: list[str]
) -> None:
    """NULLs too; what lasts is not written again, and nobody else's row is touched."""
    session.execute(text("SET LOCAL ROLE none"))
    session.execute(text(MAKE_THINGS))
    statements.clear()
    whole, other = thing(1), thing(2)
    part = thing(3, name=None, part_of=whole.id)

    insert_rows(session, "things", [part, other, whole])
    assert all_things(session) == [whole, other, part]

    changed = [
        whole._replace(name=None, maker="somebody"),
        part._replace(name="Ŵ, {}\"'", size=5, part_of=None, maker="somebody"),
    ]
    update_rows(session, "things", changed, lasting=("maker",))

    assert all_things(session) == [
        changed[0]._replace(maker="nobody"),
        other,
        changed[1]._replace(maker="nobody"),
    ]
    kinds = [statement.split()[0] for statement in statements]
    assert kinds == ["INSERT", "SELECT", "UPDATE", "SELECT"]


def test_no_rows_ask_nothing(session: Session, statements: list[str]) -> None:
    """Of a table that does not even exist."""
    insert_rows(session, "nowhere", [])
    update_rows(session, "nowhere", [], lasting=())

    assert statements == []


def test_what_the_session_still_holds_goes_first(session: Session) -> None:
    """Objects of SQLAlchemy's that were added before the block are there within it."""
    slugs = b"SELECT slug FROM organisations"
    organisation = make_organisation(session, "devon")
    organisation.slug = "torbay"
    with together(session):
        found = ask(session, slugs, make=tuple)
    organisation.slug = "exeter"

    assert found() == [("torbay",)]
    assert ask(session, slugs, make=tuple)() == [("exeter",)]
