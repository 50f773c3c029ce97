"""The application on the test's own savepoint, and clients that speak to it."""

from collections.abc import Iterator
from typing import Any

import pytest
from httpx2 import Client
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from api.app import create_app
from geoservices.accounts.models import Organisation, Purpose
from geoservices.database import SessionFactory
from geoservices.notifications.push import make_vapid_key
from geoservices.settings import PushSettings, Settings
from tests.factories import (
    make_access_token,
    make_device,
    make_organisation,
    make_person,
)


@pytest.fixture
def settings() -> Settings:
    """Settings that allow a push service on loopback."""
    return Settings(
        database_url="postgresql://unused",
        broker_url="redis://127.0.0.1:1/0",
        push=PushSettings(
            vapid_private_key=make_vapid_key(),
            vapid_contact="mailto:test@example.org",
            allow_loopback=True,
        ),
    )


@pytest.fixture
def anyone(sessions: SessionFactory, settings: Settings) -> Iterator[Client]:
    """A client with no token."""
    app = create_app(sessions, settings)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def with_token(client: Client, token: str) -> Client:
    """The same application, called with a token."""
    other = TestClient(client.app, raise_server_exceptions=False)
    other.headers["Authorization"] = f"Bearer {token}"
    return other


@pytest.fixture
def organisation(session: Session) -> Organisation:
    """Devon."""
    organisation = make_organisation(session)
    session.commit()
    return organisation


@pytest.fixture
def manager(anyone: Client, session: Session, organisation: Organisation) -> Client:
    """A manager of Devon's."""
    token = make_access_token(session, organisation)
    session.commit()
    return with_token(anyone, token)


@pytest.fixture
def citizen(anyone: Client, session: Session) -> Client:
    """A citizen's phone that agreed to be told of what is nearby and on check-in."""
    person = make_person(session, Purpose.NEARBY, Purpose.CHECK_IN_CONTENT)
    _device, token = make_device(session, person)
    session.commit()
    return with_token(anyone, token)


@pytest.fixture
def stranger(anyone: Client, session: Session) -> Client:
    """A citizen's phone that agreed to nothing."""
    _device, token = make_device(session, make_person(session))
    session.commit()
    return with_token(anyone, token)


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    """The SQL statements sent while the test ran."""
    sent: list[str] = []

    def note(*arguments: Any) -> None:
        sent.append(arguments[2])

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)
