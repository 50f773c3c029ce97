"""The one database: its dialect, its limits, and its transactions."""

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.campaigns.rules import Trigger
from geoservices.database import (
    SessionFactory,
    at_the_end,
    connect,
    driver,
    make_engine,
    one_of,
    transaction,
)
from tests.factories import make_organisation


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://h/d", "devon"])
def test_there_is_no_second_dialect(url: str) -> None:
    """Anything but PostgreSQL is refused, without repeating what may hold a password."""
    with pytest.raises(ValueError, match="postgresql://") as refusal:
        make_engine(url)

    assert url not in str(refusal.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_psycopg_3_is_the_driver_whatever_the_url_names(scheme: str) -> None:
    """Hosting providers write all of these."""
    engine = make_engine(f"{scheme}://h/d")

    assert engine.driver == "psycopg"
    engine.dispose()


def test_connections_wait_briefly_compile_nothing_and_speak_utc(engine: Engine) -> None:
    """No statement, no lock and no compiler holds a request for long."""
    with engine.connect() as connection:
        settings = [
            connection.scalar(text(f"SHOW {name}"))
            for name in ("lock_timeout", "statement_timeout", "jit", "timezone")
        ]

    assert settings == ["10s", "30s", "off", "UTC"]


def test_a_transaction_commits_at_its_end_and_rolls_back_if_it_fails(
    sessions: SessionFactory,
) -> None:
    """All of the block or nothing."""

    def make(*slugs: str) -> None:
        with transaction(sessions) as session:
            for slug in slugs:
                make_organisation(session, slug)

    make("devon")
    with pytest.raises(IntegrityError):
        make("torbay", "devon")

    with sessions() as session:
        assert session.scalars(select(Organisation.slug)).all() == ["devon"]


def test_the_database_refuses_what_an_enumeration_does_not_know(session: Session) -> None:
    """The condition that every CHECK of ours is made with."""
    known = one_of("kind", Trigger)

    answers = session.execute(
        text(f"SELECT {known} FROM (VALUES ('entered'), ('left'), ('checked-in')) AS t(kind)")  # noqa: S608
    )

    assert answers.scalars().all() == [True, False, True]


def test_a_server_that_vanishes_is_given_up(session: Session, database_url: str) -> None:
    """Within seconds, and not when TCP itself would, by whomever it is asked."""
    with connect(database_url) as listening:
        connections = [driver(session).info, listening.info]

        for limits in (one.get_parameters() for one in connections):
            assert int(limits["tcp_user_timeout"]) <= 6000
            assert int(limits["keepalives_idle"]) + 2 * int(limits["keepalives_interval"]) <= 7
            assert int(limits["connect_timeout"]) <= 3


def test_what_is_done_at_the_end_is_part_of_the_transaction(sessions: SessionFactory) -> None:
    """After all else, in its order, what it asks for in turn too; nothing of it if it fails."""
    done: list[str] = []

    def run(*, fail: bool) -> None:
        with transaction(sessions) as session:
            at_the_end(session, lambda session: at_the_end(session, lambda _: done.append("third")))
            at_the_end(session, lambda _: done.append("second"))
            done.append("first")
            if fail:
                raise KeyError

    with pytest.raises(KeyError):
        run(fail=True)
    assert done == ["first"]

    run(fail=False)
    assert done == ["first", "first", "second", "third"]
