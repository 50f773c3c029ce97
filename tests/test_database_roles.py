"""A database whose owner is no superuser, as hosting providers give it out."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from geoservices.accounts.models import Person
from geoservices.database import (
    DatabaseRole,
    SessionFactory,
    make_engine,
    make_session_factory,
    transaction,
)
from geoservices.pings.service import keep_partitions
from geoservices.scopes import confine, confined_sessions, is_confined
from geoservices.settings.presence import IntakeSettings
from tests.conftest import make_database, migrate
from tests.factories import NOON, make_organisation, make_person


@pytest.fixture(scope="module")
def tenant(server_url: str, worker_id: str) -> Iterator[str]:
    """A database of an owner's who may do what they like with it and little else."""
    name = f"test_tenant_{worker_id}"
    url = make_database(server_url, name)
    with psycopg.connect(url, autocommit=True) as connection:
        who = sql.Identifier(name)
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(who))
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'secret'").format(who))
        connection.execute(sql.SQL("ALTER DATABASE {0} OWNER TO {0}").format(who))
        connection.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(who))
        for extension in ("postgis", "pg_trgm"):
            connection.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(extension)))
    parts = urlsplit(url)
    yield urlunsplit(parts._replace(netloc=f"{name}:secret@{parts.hostname}:{parts.port}"))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(who))
        connection.execute(sql.SQL("DROP ROLE {}").format(who))


@pytest.fixture(scope="module")
def let_in(tenant: str, database_url: str) -> str:
    """The same, migrated, once the roles are there and its owner was let into them."""
    name = urlsplit(tenant).path[1:]
    with psycopg.connect(database_url, autocommit=True) as connection:
        for role in (DatabaseRole.SERVICE, DatabaseRole.CALLER):
            granting = sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(name))
            connection.execute(granting)
    migrate(tenant)
    return tenant


@contextmanager
def sessions_as(url: str, role: DatabaseRole) -> Iterator[SessionFactory]:
    """Sessions as a role, for the block."""
    engine = make_engine(url, role=role, pool_size=1)
    is_callers = role is DatabaseRole.CALLER
    yield confined_sessions(engine) if is_callers else make_session_factory(engine)
    engine.dispose()


def test_without_the_roles_nothing_is_asked(tenant: str) -> None:
    """The service does not go on with more rights than it should have."""
    engine = make_engine(tenant, role=DatabaseRole.CALLER)

    with pytest.raises(OperationalError, match="permission denied to set role"):
        engine.connect()

    engine.dispose()


def test_the_owner_migrates_and_the_service_works(let_in: str) -> None:
    """Who owns the tables is bound by the policies too, and sees everything by one of them."""
    with sessions_as(let_in, DatabaseRole.SERVICE) as service, transaction(service) as session:
        devon = make_organisation(session)
        member = make_person(session, organisation=devon)
        make_person(session)
    with sessions_as(let_in, DatabaseRole.CALLER) as caller, transaction(caller) as session:
        is_bound = is_confined(session)
        confine(session, organisation_id=devon.id, person_id=None)
        callers = session.scalars(select(Person.id)).all()
    with sessions_as(let_in, DatabaseRole.OWNER) as owner:
        with transaction(owner) as session:
            owners = session.scalars(select(Person.id)).all()
        kept = keep_partitions(owner, at=NOON, retention=IntakeSettings().ping_retention)

    assert is_bound
    assert len(owners) == 2
    assert callers == [member.id]
    assert kept.made > 0
