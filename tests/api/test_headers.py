"""What browsers are told to keep off, by every answer."""

from typing import Any

import pytest
from httpx2 import Client

from api.app import create_app
from api.headers import OF_ALL, of_service
from geoservices.database import SessionFactory
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.conftest import client_of

ELSEWHERE = {"Origin": "https://maps.devon.example"}


@pytest.fixture
def calling_from_elsewhere(settings: Settings, sessions: SessionFactory) -> Client:
    """A service that another site's pages may call, reached by TLS."""
    told = {
        "cors_origins": ("https://maps.devon.example",),
        "public_url": "https://here.devon.example",
    }
    return client_of(create_app(sessions, settings.model_copy(update=told)))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/v1/places", id="a list"),
        pytest.param("GET", "/nowhere", id="what is not there"),
        pytest.param("POST", "/v1/devices", id="a body of the wrong kind"),
        pytest.param("POST", "/v1/pings", id="pings"),
        pytest.param("GET", "/health/live", id="a health check"),
        pytest.param("GET", "/openapi.json", id="the document"),
        pytest.param("GET", "/pages/pages.css", id="a file"),
    ],
)
def test_every_answer_has_them(citizen: Client, method: str, path: str) -> None:
    """Whatever it answers, refusals and files too."""
    answer = citizen.request(method, path, json=asking.ping() if path == "/v1/pings" else None)

    told = {name: answer.headers.get(name) for name in OF_ALL}
    expected = {**OF_ALL, "Cache-Control": told["Cache-Control"]}
    assert told == expected
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize("path", ["/screen", "/C/none", "/docs"])
def test_a_page_runs_no_script_within_it(anyone: Client, path: str) -> None:
    """Nor any from elsewhere; no other policy loosens this one."""
    answer = anyone.get(path)

    [policy] = answer.headers.get_list("Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "<style" not in answer.text
    assert " style=" not in answer.text
    assert " onclick" not in answer.text
    assert "<script>" not in answer.text


def test_a_service_over_tls_stays_there(calling_from_elsewhere: Client) -> None:
    """Browsers are told never to try without."""
    answer = calling_from_elsewhere.get("/health/live")

    assert "max-age=63072000" in answer.headers["Strict-Transport-Security"]
    assert of_service("http://127.0.0.1:8080") == OF_ALL


def test_no_other_site_may_call_unless_it_is_named(
    citizen: Client, calling_from_elsewhere: Client
) -> None:
    """The named one may, with a token of its own; cookies are for no other site."""
    asks = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }

    calling_from_elsewhere.event_hooks = {}  # A preflight is no operation of the document's.

    closed = [
        citizen.get("/v1/places", headers=ELSEWHERE),
        citizen.options("/v1/pings", headers=ELSEWHERE | asks),
        citizen.post("/v1/pings", json=asking.ping(), headers=ELSEWHERE),
        calling_from_elsewhere.get("/health/live", headers={"Origin": "https://other.example"}),
    ]
    calling_from_elsewhere.headers["Authorization"] = citizen.headers["Authorization"]
    opened = [
        calling_from_elsewhere.get("/v1/places", headers=ELSEWHERE),
        calling_from_elsewhere.options("/v1/pings", headers=ELSEWHERE | asks),
        calling_from_elsewhere.post("/v1/pings", json=asking.ping(), headers=ELSEWHERE),
    ]

    assert [told for one in closed for told in cors(one)] == []
    for answer in opened:
        assert answer.headers["Access-Control-Allow-Origin"] == ELSEWHERE["Origin"]
        assert "Access-Control-Allow-Credentials" not in answer.headers


def cors(answer: Any) -> list[str]:
    """The names of the headers that let other sites in."""
    return [name for name in answer.headers if name.lower() == "access-control-allow-origin"]
