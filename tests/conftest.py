"""What tests stand on: a real, migrated PostGIS, and a savepoint round each test."""

import gc
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from hypothesis import settings
from psycopg import sql
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

from geoservices import logs
from geoservices.database import DatabaseRole, SessionFactory, make_engine, make_session_factory
from geoservices.geofences.models import GeofenceRevision
from geoservices.places.models import PlaceRevision
from geoservices.scopes import EVERYWHERE, NOTHING, confined_sessions, set_scope
from geoservices.tables import all_tables
from geoservices.trips import Trip

logs.configure()
# What the modules and ten thousand collected tests are made of stays to the end. To look through
# it for garbage again and again takes a tenth of the time of the tests.
gc.disable()
# How long an example takes says more of the machine than of the code.
settings.register_profile("house", deadline=None)
settings.load_profile("house")
ROOT = Path(__file__).parent.parent
THOROUGH = bool(os.environ.get("GEOSERVICES_TEST_THOROUGH"))
"""Whether more is made up at random, for a run by night."""


FOR_PROCESSES = ("/journeys/", "/local/")
FOR_BROWSERS = ("/browsers/", "_in_browser", "/oidc/", "/web/")
"""What stands in the paths of tests that wait much of their time, and for what."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `db` whatever asks for the database, however indirectly; put first what waits.

    The test processes get equal parts of the list to begin with: one waits for processes, another
    for browsers, while the rest compute, and none is left alone with a long test at the end. What
    such tests start for all of theirs is started once, too.
    """
    processes: list[pytest.Item] = []
    browsers: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        path = item.nodeid.partition("::")[0]
        if any(part in path for part in FOR_PROCESSES):
            processes.append(item)
        elif any(part in path for part in FOR_BROWSERS):
            browsers.append(item)
        else:
            others.append(item)
    part = len(items) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    beside = max(0, part - len(processes))
    items[:] = [*processes, *others[:beside], *browsers, *others[beside:]]
    for item in items:
        if "database_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.db)


def pytest_collection_finish() -> None:
    """Look for garbage from now on, among what the tests themselves make."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def server_url() -> str:
    """Where a PostgreSQL with PostGIS listens that tests may make databases on."""
    url = os.environ.get("GEOSERVICES_TEST_DATABASE_URL")
    if url is None:
        pytest.skip("needs GEOSERVICES_TEST_DATABASE_URL; `make test` starts a server")
    return url


def make_database(server_url: str, name: str, *, like: str = "template1") -> str:
    """Make a database of that name, empty or `like` another, replacing one of an earlier run."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        made, original = sql.Identifier(name), sql.Identifier(like)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(made))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(made, original))
    return f"{server_url.rsplit('/', 1)[0]}/{name}"


def make_migrated_database(server_url: str, name: str) -> str:
    """Make a migrated database of that name; a copy takes a tenth of the time of the migrations."""
    return make_database(server_url, name, like=migrated(server_url))


@cache
def migrated(server_url: str) -> str:
    """Make the migrated database that those of the tests are copies of; return its name.

    Of the test processes of one run the first makes it, and the others wait for it.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    name = f"test_{'run' if run else 'master'}_migrated"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        told = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            [name],
        ).fetchone()
        if run is None or told != (run,):
            migrate(make_database(server_url, name))
            connection.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), run or "")
            )
    return name


def migrate(database_url: str, revision: str = "head") -> None:
    """Run the real migrations."""
    before = os.environ.get("GEOSERVICES_DATABASE_URL")
    os.environ["GEOSERVICES_DATABASE_URL"] = database_url
    try:
        command.upgrade(Config(ROOT / "alembic.ini"), revision)
    finally:
        if before is None:
            del os.environ["GEOSERVICES_DATABASE_URL"]
        else:
            os.environ["GEOSERVICES_DATABASE_URL"] = before


@pytest.fixture(scope="session")
def database_url(server_url: str, worker_id: str) -> str:
    """A migrated database of this test process's own."""
    return make_migrated_database(server_url, f"test_{worker_id}")


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on the test database."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def owner(database_url: str) -> Iterator[Engine]:
    """An engine that may do to the tables what only their owner may."""
    engine = make_engine(database_url, role=DatabaseRole.OWNER)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine: Engine) -> Iterator[SessionFactory]:
    """Sessions whose commits are savepoints within one transaction that is rolled back."""
    with engine.connect() as connection:
        outer = connection.begin()
        yield sessions_within(connection)
        outer.rollback()


def sessions_within(connection: Connection) -> SessionFactory:
    """Make sessions whose commits are savepoints within the connection's transaction."""
    return sessionmaker(
        connection, join_transaction_mode="create_savepoint", expire_on_commit=False
    )


@pytest.fixture
def confined(sessions: SessionFactory) -> SessionFactory:
    """Sessions within the test's transaction that see what requests see; the test's see all."""
    return confined_within(sessions.kw["bind"])


def confined_within(connection: Connection) -> SessionFactory:
    """Make sessions that begin with nothing, as those of the API do on connections of their own."""
    confined = confined_sessions(connection)

    def begin(_session: Session, transaction: SessionTransaction, began: Connection) -> None:
        # A savepoint of the request's own goes on in the scope that it is in.
        if not transaction.nested:
            set_scope(began, NOTHING)

    def end(_session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is None:
            set_scope(connection, EVERYWHERE)

    event.listen(confined, "after_begin", begin)
    event.listen(confined, "after_transaction_end", end)
    return confined


@pytest.fixture
def session(sessions: SessionFactory) -> Iterator[Session]:
    """One session within the test's transaction."""
    with sessions() as session:
        yield session


@pytest.fixture
def committed(engine: Engine, owner: Engine) -> Iterator[SessionFactory]:
    """Sessions on connections of their own; whatever they leave is emptied afterwards."""
    yield make_session_factory(engine)
    empty(owner)


def empty(owner: Engine) -> None:
    """Delete every row there is.

    `TRUNCATE` gives each table and index a new file, which takes thirty times as long as deleting
    the few rows of a test.
    """
    counters = {GeofenceRevision.__tablename__, PlaceRevision.__tablename__}
    tables = set(all_tables().tables) - counters
    with owner.begin() as connection:
        # The audit log's own triggers refuse it to everybody else.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        deleting = "; ".join(f"DELETE FROM {name}" for name in sorted(tables))  # noqa: S608
        connection.execute(text(deleting))


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The SQL statements sent while the test runs, by SQLAlchemy or past it."""
    sent: list[str] = []

    def noting(method: Callable[..., Any]) -> Callable[..., Any]:
        def noted(sender: Any, query: Any, *arguments: Any, **options: Any) -> Any:
            sent.append(query.decode() if isinstance(query, bytes) else str(query))
            return method(sender, query, *arguments, **options)

        return noted

    for method in (psycopg.Cursor.execute, psycopg.Cursor.copy):
        monkeypatch.setattr(psycopg.Cursor, method.__name__, noting(method))
    monkeypatch.setattr(psycopg.ServerCursor, "execute", noting(psycopg.ServerCursor.execute))
    monkeypatch.setattr(Trip, "add", noting(Trip.add))
    return sent
