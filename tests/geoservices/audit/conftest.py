"""Chains that were really written, and a way to tamper with them."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from geoservices.access.actors import Actor
from geoservices.access.rights import Role
from geoservices.audit import service
from geoservices.database import SessionFactory, transaction
from tests.factories import NOON, make_organisation

Tamper = Callable[[str], None]
LENGTH = 6


@pytest.fixture
def devon(committed: SessionFactory) -> UUID:
    """An organisation with a log of six entries, at noon and each day after it."""
    with transaction(committed) as session:
        organisation_id = make_organisation(session).id
    write(committed, organisation_id, LENGTH)
    return organisation_id


def write(sessions: SessionFactory, organisation_id: UUID, count: int) -> None:
    """Write so many entries, a day after one another, each in a transaction of its own."""
    actor = Actor(
        rights=frozenset(),
        organisation_id=organisation_id,
        role=Role.MANAGER,
        person_id=UUID(int=7),
        sign_in_id=UUID(int=8),
    )
    for day in range(count):
        with transaction(sessions) as session:
            service.note(
                session,
                service.act_of(
                    actor,
                    "publish_listing",
                    at=NOON + timedelta(days=day),
                    rights=("listings:write",),
                    subjects=(f"listing:{UUID(int=day)}",),
                    status=201,
                    detail={"made": True},
                ),
            )


@pytest.fixture
def tamper(database_url: str) -> Tamper:
    """What a superuser does who has switched off whatever guards the log."""

    def do(statement: str) -> None:
        with psycopg.connect(database_url) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(statement.encode())

    return do
