"""The service on a port of its own, and a provider that vouches for its members."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
import uvicorn
from httpx2 import Client
from pydantic import SecretStr
from sqlalchemy import select

from api.app import create_app
from geoservices.accounts.models import SignIn
from geoservices.codes.links import make_code_key
from geoservices.database import DatabaseRole, SessionFactory, make_engine
from geoservices.push.vapid import make_vapid_key
from geoservices.scopes import confined_sessions
from geoservices.settings.entering import OidcSettings
from geoservices.settings.presence import CodeSettings
from geoservices.settings.providers import ProviderSettings
from geoservices.settings.sending import PushSettings
from geoservices.settings.service import Settings
from local import web
from local.configuration import HOST, free_port
from tests import browsing
from tests.api import conftest as api
from tests.eventually import eventually
from tests.factories import make_organisation
from tests.oidc.identity import CLIENT_ID, CLIENT_SECRET, IdentityProvider

logged = api.logged
chromium = browsing.chromium
ROLES = {"council-staff": "staff", "council-managers": "manager", "council-it": "admin"}


@dataclass(frozen=True, slots=True)
class Site:
    """The service as a real server, whose requests see what is theirs; `sessions` see all."""

    url: str
    sessions: SessionFactory

    def sign_ins(self) -> list[SignIn]:
        """Every sign-in there is, the oldest first."""
        with self.sessions() as session:
            return list(session.scalars(select(SignIn).order_by(SignIn.created_at, SignIn.id)))

    def holding(self) -> set[UUID]:
        """The ids of the sign-ins that hold."""
        return {one.id for one in self.sign_ins() if one.revoked_at is None}


def settings_for(issuer: str, **changes: Any) -> ProviderSettings:
    """Settings for a provider of Devon's."""
    told: dict[str, Any] = {
        "slug": "devon",
        "name": "Devon",
        "organisation": "devon",
        "issuer": issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "roles": ROLES,
    }
    return ProviderSettings.model_validate(told | changes)


@contextmanager
def serving(
    sessions: SessionFactory, port: int, *providers: ProviderSettings, **oidc: Any
) -> Iterator[Site]:
    """Serve the API on loopback, with providers."""
    web.build()
    url = f"http://{HOST}:{port}"
    settings = Settings(
        database_url=SecretStr("postgresql://unused"),
        broker_url=SecretStr("redis://127.0.0.1:1/0"),
        public_url=url,
        push=PushSettings(
            vapid_private_key=SecretStr(make_vapid_key()),
            vapid_contact="mailto:test@example.org",
        ),
        codes=CodeSettings(key=SecretStr(make_code_key())),
        oidc=OidcSettings(
            **{"providers": providers, "allow_loopback": True, "timeout": timedelta(seconds=20)}
            | oidc
        ),
    )
    address = sessions.kw["bind"].url.render_as_string(hide_password=False)
    callers = make_engine(address, role=DatabaseRole.CALLER)
    application = create_app(confined_sessions(callers), settings, intake=sessions)
    config = uvicorn.Config(application, host=HOST, port=port, lifespan="off", log_level="warning")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started, within=timedelta(seconds=60))
    yield Site(url, sessions)
    server.should_exit = True
    thread.join()
    callers.dispose()


@pytest.fixture
def devon(committed: SessionFactory) -> SessionFactory:
    """A database with the organisation whose members sign in."""
    with committed() as session, session.begin():
        make_organisation(session)
    return committed


@pytest.fixture(scope="session")
def port() -> int:
    """Where the service listens."""
    return free_port()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[IdentityProvider]:
    """The provider, started once."""
    provider = IdentityProvider(
        free_port(), tmp_path_factory.mktemp("identity"), f"http://{HOST}:{port}"
    )
    with provider.running():
        yield provider


@pytest.fixture
def identity(running: IdentityProvider) -> IdentityProvider:
    """The provider, which knows Anna, who is staff, and Ben, who is in no group."""
    running.know(
        anna={"name": "Anna Adams", "groups": ["council-staff", "choir"]}, ben={"groups": []}
    )
    return running


@pytest.fixture
def site(devon: SessionFactory, port: int, identity: IdentityProvider) -> Iterator[Site]:
    """The service, with the provider as Devon's."""
    with serving(devon, port, settings_for(identity.issuer)) as site:
        yield site


@pytest.fixture
def browse() -> Iterator[Callable[[], Client]]:
    """Makes browsers, as far as cookies and redirects go."""
    made: list[Client] = []

    def make() -> Client:
        made.append(Client(follow_redirects=True, timeout=60))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def browser(browse: Callable[[], Client]) -> Client:
    """One browser."""
    return browse()
