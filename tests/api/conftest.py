"""The application on the test's own savepoint, and clients that speak to it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from threading import Lock

import pytest
import structlog
from fastapi import FastAPI
from httpx2 import Client
from pydantic import SecretStr
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from api import middleware, oidc, problems, replays
from api.app import create_app
from api.committing import Committer
from api.csrf import make_csrf_token
from api.protocols import taking
from api.routers import sign_ins
from api.routers.health import Readiness
from api.throttling import Throttle
from geoservices import logs
from geoservices.access.rights import Role
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Organisation, Purpose
from geoservices.codes.links import make_code_key
from geoservices.database import SessionFactory
from geoservices.geofences.live import LiveGeofences
from geoservices.limiting.limiter import Limiter
from geoservices.push.vapid import make_vapid_key
from geoservices.settings.entering import OidcSettings
from geoservices.settings.presence import CodeSettings, PhoneSettings
from geoservices.settings.providers import ProviderSettings
from geoservices.settings.sending import MailSettings, PushSettings
from geoservices.settings.service import Settings
from geoservices.settings.storing import FileSettings
from geoservices.tiles.service import Tiles
from tests import browsing
from tests.api.callers import tokens_of, worthless_tokens
from tests.api.calling import AppClient, standing_loop
from tests.api.contract import Contract
from tests.api.world import STORED, World, make_world
from tests.conftest import sessions_within
from tests.factories import (
    make_access_token,
    make_device,
    make_organisation,
    make_person,
)
from tests.signing import CHEAP

AWAY = ProviderSettings(
    slug="devon",
    name="Devon",
    organisation="devon",
    issuer="http://127.0.0.1:9",
    client_id="geoservices",
    client_secret=SecretStr("open sesame"),
    default_role="staff",
)
"""An identity provider that nobody runs; tests/oidc has one that somebody does."""

chromium = browsing.chromium
CONTRACTS: list[Contract] = []
MAKING_IT = Lock()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings that allow a push service on loopback, and keep files where nobody else does."""
    return Settings(
        database_url=SecretStr("postgresql://unused"),
        broker_url=SecretStr("redis://127.0.0.1:1/0"),
        push=PushSettings(
            vapid_private_key=SecretStr(make_vapid_key()),
            vapid_contact="mailto:test@example.org",
            allow_loopback=True,
        ),
        codes=CodeSettings(key=SecretStr(make_code_key())),
        mail=MailSettings(host="127.0.0.1", security="none", sender="letters@devon.example"),
        phones=PhoneSettings(secret=SecretStr("a secret that is of no use elsewhere")),
        oidc=OidcSettings(providers=(AWAY,), allow_loopback=True),
        sign_in=CHEAP,
        files=FileSettings(url=f"file:{tmp_path_factory.mktemp('files')}"),
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """A world, and everybody's tokens, that stand while the tests of a module ask of them."""

    connection: Connection
    world: World
    valid: Mapping[str, str | None]
    """As `tokens_of` has them."""
    worthless: Mapping[str, str]


@pytest.fixture(scope="module")
def standing(engine: Engine) -> Iterator[Standing]:
    """Made once for a module, which says so by `sessions` that undo what each test does."""
    with engine.connect() as connection:
        outer = connection.begin()
        with sessions_within(connection)() as session:
            world = make_world(session)
            made = Standing(
                connection,
                world,
                tokens_of(session, world, None),
                worthless_tokens(session, world),
            )
            session.commit()
        yield made
        outer.rollback()


@contextmanager
def undoing(standing: Standing) -> Iterator[SessionFactory]:
    """Have sessions within the standing world's transaction; what they do is undone."""
    savepoint = standing.connection.begin_nested()
    yield sessions_within(standing.connection)
    savepoint.rollback()


@pytest.fixture(scope="session")
def application(settings: Settings) -> FastAPI:
    """The application, made once; `anyone` gives it the test's own sessions."""
    application = create_app(SessionFactory(), settings)
    application.state.store.put(sha256(STORED).digest(), STORED)
    return application


@pytest.fixture(scope="session", autouse=True)
def _one_loop() -> Iterator[None]:
    """Requests share an event loop, as those to a server do."""
    with standing_loop():
        yield


@pytest.fixture
def anyone(application: FastAPI, sessions: SessionFactory, confined: SessionFactory) -> Client:
    """A client with no token."""
    application.state.sessions = confined
    application.state.live = LiveGeofences()
    application.state.committer = Committer(
        sessions, application.state.live, application.state.settings
    )
    application.state.limiter = Limiter(sessions, application.state.settings)
    application.state.throttle = Throttle(application.state.limiter)
    application.state.readiness = Readiness()
    application.state.tiles = Tiles(most_bytes=1_000_000)
    return client_of(application)


def client_of(application: FastAPI) -> AppClient:
    """A client with no token, each of whose answers must be documented."""
    client = AppClient(application)
    client.event_hooks = {"response": [contract_of(application).check]}
    return client


def contract_of(application: FastAPI) -> Contract:
    """What every application of ours promises; the document is a second's work, so there is one."""
    with MAKING_IT:
        if not CONTRACTS:
            CONTRACTS.append(Contract(application.openapi()))
        return CONTRACTS[0]


def with_token(client: Client, token: str) -> Client:
    """The same application, called with a token."""
    assert isinstance(client, AppClient)
    other = client_of(client.app)
    other.headers["Authorization"] = f"Bearer {token}"
    return other


def browser(
    client: Client, settings: Settings, *, device: str | None = None, member: str | None = None
) -> Client:
    """The same application, called by a page of ours in a browser that has these cookies."""
    assert isinstance(client, AppClient)
    other = client_of(client.app)
    for kind, token in (("device", device), ("member", member)):
        if token:
            other.cookies.set(kind, token, domain="testserver.local", path="/")
    other.headers["X-CSRF-Token"] = make_csrf_token(settings, device, member) or ""
    return other


def agree(client: Client, *purposes: Purpose) -> None:
    """Agree to purposes in their present words."""
    for purpose in purposes:
        body = {"text_version": TEXTS[purpose].version}
        assert client.put(f"/v1/consents/{purpose}", json=body).status_code == 200


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
def admin(anyone: Client, session: Session, organisation: Organisation) -> Client:
    """Who runs Devon's installation."""
    token = make_access_token(session, organisation, Role.ADMIN)
    session.commit()
    return with_token(anyone, token)


@pytest.fixture
def citizen(anyone: Client, session: Session) -> Client:
    """A citizen's phone that agreed to be told of what is nearby and on check-in, and by e-mail."""
    person = make_person(session, Purpose.NEARBY, Purpose.CHECK_IN_CONTENT, Purpose.EMAIL)
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
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """What the API has written to its log so far, as it was written."""
    before, written = structlog.get_config(), StringIO()
    with redirect_stderr(written):
        logs.configure()
    for module in (middleware, oidc, problems, replays, sign_ins, taking):
        monkeypatch.setattr(module, "log", structlog.get_logger())
    yield written.getvalue
    structlog.configure(**before)
