"""A database whose owner is no superuser, as hosting providers and compose give it out."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from geoservices.accounts.models import Person
from geoservices.database import (
    DatabaseRole,
    SessionFactory,
    make_engine,
    make_session_factory,
    transaction,
)
from geoservices.pings.service import keep_partitions
from geoservices.scopes import confine, confined_sessions, everywhere, is_confined
from geoservices.settings.presence import IntakeSettings
from tests.conftest import ROOT, make_database, migrate
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


@pytest.fixture(scope="module")
def composed(server_url: str, worker_id: str) -> Iterator[dict[str, str]]:
    """A database set up by compose's script, migrated: its URLs for the owner and the rest."""
    name = f"test_composed_{worker_id}"
    url = make_database(server_url, name)
    who = {"owner": f"{name}_owner", "login": f"{name}_login"}
    with psycopg.connect(server_url, autocommit=True) as connection:
        for role in who.values():
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
    told = {f"DATABASE_{kind.upper()}": role for kind, role in who.items()}
    secrets = {f"{variable}_PASSWORD": f"its {variable}" for variable in told}
    subprocess.run(
        ["psql", "--no-psqlrc", "--file", ROOT / "alembic/logins.sql", url],
        env={**os.environ, **told, **secrets},
        check=True,
        capture_output=True,
    )
    parts = urlsplit(url)
    urls = {
        kind: urlunsplit(
            parts._replace(
                netloc=f"{role}:{quote(secrets[f'DATABASE_{kind.upper()}_PASSWORD'])}"
                f"@{parts.hostname}:{parts.port}"
            )
        )
        for kind, role in who.items()
    }
    migrate(urls["owner"])
    yield urls
    with psycopg.connect(server_url, autocommit=True) as connection:
        database = sql.Identifier(name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))
        for role in who.values():
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_the_service_works_with_a_login_that_may_only_ask_as_a_role(
    composed: dict[str, str],
) -> None:
    """Requests are confined, everything else sees all, and none of it is the owner."""
    with sessions_as(composed["login"], DatabaseRole.SERVICE) as service:
        with transaction(service) as session:
            devon = make_organisation(session)
            member = make_person(session, organisation=devon)
            make_person(session)
        with transaction(service) as session:
            everybody = session.scalars(select(Person.id)).all()
    with sessions_as(composed["login"], DatabaseRole.CALLER) as caller, transaction(caller) as asks:
        is_bound = is_confined(asks)
        confine(asks, organisation_id=devon.id, person_id=None)
        theirs = asks.scalars(select(Person.id)).all()
        with everywhere(asks):
            wide = asks.scalars(select(Person.id)).all()

    assert is_bound
    assert theirs == [member.id]
    assert len(everybody) == len(wide) == 2


@pytest.mark.parametrize("statement", ["SELECT FROM people", "DELETE FROM audit_entries"])
def test_that_login_sees_nothing_by_itself(composed: dict[str, str], statement: str) -> None:
    """It inherits nothing of the roles that it may ask as."""
    with (
        sessions_as(composed["login"], DatabaseRole.OWNER) as sessions,
        sessions() as session,
        pytest.raises(DBAPIError, match="permission denied"),
    ):
        session.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE pings",
        "CREATE TABLE public.mine ()",
        "CREATE ROLE another",
        "ALTER TABLE people DISABLE ROW LEVEL SECURITY",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SET ROLE {owner}",
        "SET SESSION AUTHORIZATION {owner}",
    ],
)
@pytest.mark.parametrize("role", DatabaseRole)
def test_that_login_may_do_nothing_of_an_owners(
    composed: dict[str, str], role: DatabaseRole, statement: str
) -> None:
    """Neither by itself nor as one of the roles."""
    asked = statement.format(owner=urlsplit(composed["owner"]).username)

    with (
        sessions_as(composed["login"], role) as sessions,
        sessions() as session,
        pytest.raises(DBAPIError, match=r"permission denied|must be (owner|superuser)"),
    ):
        session.execute(text(asked))


def test_the_owner_of_compose_keeps_partitions_and_is_no_superuser(
    composed: dict[str, str],
) -> None:
    """It is bound by the policies, and makes no roles."""
    with sessions_as(composed["owner"], DatabaseRole.OWNER) as owner:
        kept = keep_partitions(owner, at=NOON, retention=IntakeSettings().ping_retention)
        with transaction(owner) as session:
            may = session.execute(
                text(
                    "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles "
                    "WHERE rolname = current_user"
                )
            ).one()

    assert kept.made > 0
    assert not any(may)
