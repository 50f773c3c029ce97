"""What the service shows to whoever knocks at it: methods, folders, types, clear borders."""

import contextlib
import socket
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from httpx2 import Client
from sqlalchemy.orm import Session

from api.app import create_app
from geoservices.accounts.models import Organisation
from geoservices.database import SessionFactory
from geoservices.settings.service import Settings
from tests.api.serving import serving
from tests.factories import make_code, make_place

HEAD = "POST /v1/receipts HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
SECOND = "GET /health/live HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.mark.parametrize(
    "path", ["/v1/places", "/v1/devices/me", "/health/live", "/pages/pages.css", "/docs", "/"]
)
def test_trace_is_served_nowhere(application: FastAPI, anyone: Client, path: str) -> None:
    """Nobody is shown what a proxy added to their request; nor is any tunnel opened."""
    anyone.event_hooks = {}

    answers = [anyone.request(method, path) for method in ("TRACE", "CONNECT", "TRACK")]

    assert {one.status_code for one in answers} <= {404, 405}
    assert not [one for one in application.openapi()["paths"].values() if "trace" in one]


@pytest.mark.parametrize(
    "path",
    [
        "/pages",
        "/pages/",
        "/pages/../pages/",
        "/pages/%2e%2e/code.html",
        "/pages/..%2fcode.html",
        "/pages/..%5ccode.html",
        "/pages//etc/passwd",
        "/pages/%2fetc%2fpasswd",
        "/.git/config",
        "/.env",
    ],
)
def test_no_folder_is_listed_and_none_is_left(anyone: Client, path: str) -> None:
    """What is not a file of the pages is not there."""
    answer = anyone.get(path)

    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/no-such-address"


def test_every_kind_of_answer_says_what_it_is(
    manager: Client, session: Session, organisation: Organisation
) -> None:
    """Text and XML name their encoding; JSON has but one (RFC 8259)."""
    place = make_place(session, organisation)
    code = make_code(session, place)
    session.commit()
    poster = f"/v1/places/{place.id}/codes/{code.id}/poster"

    told = {
        path.rpartition("/")[2]: manager.get(path).headers["content-type"]
        for path in (
            "/screen",
            "/pages/pages.css",
            "/pages/screen.js",
            "/pages/bell.svg",
            f"{poster}.svg",
            f"{poster}.pdf",
            "/v1/places",
            "/v1/codes",
        )
    }

    assert told == {
        "screen": "text/html; charset=utf-8",
        "pages.css": "text/css; charset=utf-8",
        "screen.js": "text/javascript; charset=utf-8",
        "bell.svg": "image/svg+xml; charset=utf-8",
        "poster.svg": "image/svg+xml; charset=utf-8",
        "poster.pdf": "application/pdf",
        "places": "application/geo+json",
        "codes": "application/problem+json",
    }


@pytest.mark.parametrize("path", ["/v1/devices/me", "/v1/consents", "/v1/nowhere", "/screen"])
def test_no_answer_may_be_kept(citizen: Client, path: str) -> None:
    """Neither by a browser nor by a server on the way."""
    assert citizen.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(
            f"{HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SECOND}",
            id="a length, and in parts",
        ),
        pytest.param(
            f"{HEAD}Content-Length: 2\r\nContent-Length: 60\r\n\r\n{{}}{SECOND}", id="two lengths"
        ),
        pytest.param(
            f"{HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{SECOND}", id="parts of some kind"
        ),
        pytest.param(
            f"{HEAD}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{SECOND}", id="a blank in a name"
        ),
        pytest.param(f"{HEAD}Content-Length: +2\r\n\r\n{{}}{SECOND}", id="a length with a sign"),
        pytest.param(f"{HEAD}X: a\nContent-Length: 2\r\n\r\n{{}}{SECOND}", id="half a line's end"),
    ],
)
def test_a_request_that_could_be_cut_in_two_ways_is_refused(
    settings: Settings, sessions: SessionFactory, request_: str
) -> None:
    """A proxy might see one request where we see two; so neither is answered (RFC 9112)."""
    with serving(create_app(sessions, settings)) as address:
        told = _exchange(address, request_.encode())

    assert told.startswith(b"HTTP/1.1 400 ")
    assert told.count(b"HTTP/1.1") == 1


def _exchange(address: str, sent: bytes) -> bytes:
    """Send bytes and return all that comes back within half a second."""
    parts = urlsplit(address)
    told = b""
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as connection:
        connection.sendall(sent)
        connection.settimeout(0.5)
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while chunk := connection.recv(65536):
                told += chunk
    return told
