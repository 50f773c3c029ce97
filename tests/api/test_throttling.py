"""Whoever asks too much is told when to come back."""

import pytest
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.requests import Request

from api import throttling
from api.app import create_app
from api.dependencies import get_address
from api.oidc import cookie_name as oidc_cookie
from geoservices import clock
from geoservices.accounts.models import Device, Purpose
from geoservices.database import SessionFactory
from geoservices.limiting.models import Spending
from geoservices.oidc import pending
from geoservices.settings.entering import LimitSettings, OidcSettings
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.conftest import client_of, with_token
from tests.factories import make_device, make_person
from tests.oidc.conftest import settings_for


@pytest.fixture
def narrow(settings: Settings, sessions: SessionFactory, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A service with narrow limits that counts from the third request of a minute on."""
    monkeypatch.setattr(throttling, "UNCOUNTED", 2)
    limits = LimitSettings(devices_by_address="2/PT1H", requests_by_address="5/PT1H")
    return client_of(create_app(sessions, settings.model_copy(update={"limits": limits})))


def test_one_address_makes_only_so_many_devices(narrow: Client, session: Session) -> None:
    """The next one is refused with a word on when, and none is made."""
    answers = [narrow.post("/v1/devices", json={}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    refused = answers[-1]
    assert refused.json()["type"] == "/problems/too-many-requests"
    assert int(refused.headers["Retry-After"]) == refused.json()["retry_after_s"] > 1700
    assert session.scalar(select(func.count()).select_from(Device)) == 2


def test_one_address_makes_only_so_many_requests(narrow: Client, session: Session) -> None:
    """The first few of a minute cost no look into the database; whatever is asked counts."""
    quiet = [narrow.get("/nowhere").status_code for _ in range(2)]
    uncounted = session.scalar(select(func.count()).select_from(Spending))
    more = [narrow.get("/health/live").status_code for _ in range(7)]

    assert (quiet, uncounted) == ([404, 404], 0)
    assert more == [200] * 5 + [429] * 2


def test_one_token_makes_only_so_many_requests(
    session: Session,
    settings: Settings,
    sessions: SessionFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pings that go the short way count as well; another device is not in the way."""
    _device, token = make_device(session, make_person(session, Purpose.NEARBY))
    _device, other = make_device(session, make_person(session, Purpose.NEARBY))
    session.commit()
    monkeypatch.setattr(throttling, "UNCOUNTED", 2)
    limits = LimitSettings(requests_by_token="3/PT1H")
    application = create_app(sessions, settings.model_copy(update={"limits": limits}))

    flooding = [
        with_token(client_of(application), token).post("/v1/pings", json=asking.ping())
        for _ in range(8)
    ]
    beside = with_token(client_of(application), other).post("/v1/pings", json=asking.ping())

    assert [one.status_code for one in flooding].count(429) == 3
    assert flooding[-1].json()["type"] == "/problems/too-many-requests"
    assert beside.status_code == 200


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_of_ipv6_counts_with_its_neighbours(host: str, counted: str) -> None:
    """Whoever has one has all of its /64."""
    request = Request({"type": "http", "client": (host, 1), "headers": []})

    assert get_address(request) == counted


def test_an_address_brings_so_many_answers_of_providers(
    sessions: SessionFactory, settings: Settings
) -> None:
    """For each of them the provider would be asked."""
    issuer = "https://login.devon.example"
    limits = LimitSettings(provider_by_address="2/PT1H")
    oidc = OidcSettings(providers=(settings_for(issuer),))
    application = create_app(sessions, settings.model_copy(update={"limits": limits, "oidc": oidc}))
    client = client_of(application)
    begun = pending.begin("devon", return_to="/", at=clock.now())
    client.cookies.set(oidc_cookie(settings), pending.seal(settings.codes.secret, begun))
    answer = {"state": begun.state, "iss": issuer, "error": "access_denied"}

    told = [client.get("/v1/oidc/devon/callback", params=answer).status_code for _ in range(3)]

    assert told == [403, 403, 429]
