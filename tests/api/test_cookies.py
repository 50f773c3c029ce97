"""Browsers known by cookies, and requests that may be another site's."""

from types import SimpleNamespace

import pytest
from fastapi import Response
from httpx2 import Client
from sqlalchemy.orm import Session
from starlette.requests import Request

from api import cookies
from api.csrf import CsrfRefused, check_csrf, csrf_token_after, make_csrf_token
from geoservices.accounts.models import Organisation, Purpose
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.conftest import browser
from tests.factories import make_access_token, make_device, make_person

HTTPS = "https://visits.devon.example"
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def device(session: Session) -> str:
    """The token of a device whose person agreed to be told of what is nearby."""
    _device, token = make_device(session, make_person(session, Purpose.NEARBY))
    session.commit()
    return token


def test_a_browser_is_known_by_its_cookie(anyone: Client, settings: Settings, device: str) -> None:
    """For what it reads, and for what it changes once it shows the token of its page."""
    mine = browser(anyone, settings, device=device)

    assert mine.get("/v1/devices/me").status_code == 200
    assert mine.patch("/v1/devices/me", json={"places_only": True}).status_code == 200
    assert mine.post("/v1/pings", json=asking.ping()).status_code == 200


@pytest.mark.parametrize(
    "given", [None, "", "nonsense", "é", "nonsense." + "A" * 43, "." * 50], ids=repr
)
def test_a_cookie_alone_changes_nothing(
    anyone: Client, settings: Settings, device: str, given: str | None
) -> None:
    """Without the token of our page, or with a made-up one, it only reads."""
    mine = browser(anyone, settings, device=device)
    del mine.headers["X-CSRF-Token"]
    headers = {} if given is None else {b"X-CSRF-Token": given.encode()}

    answers = [
        mine.patch("/v1/devices/me", json={"places_only": True}, headers=headers),
        mine.delete("/v1/devices/me", headers=headers),
        mine.post("/v1/pings", json=asking.ping(), headers=headers),
    ]

    assert [answer.json()["type"] for answer in answers] == ["/problems/csrf"] * 3
    assert mine.get("/v1/devices/me").json()["places_only"] is False


def test_another_browsers_token_is_of_no_use(
    anyone: Client, session: Session, settings: Settings, device: str
) -> None:
    """The token of a page speaks for the cookie that it was made for, and for no other."""
    _device, other = make_device(session, make_person(session))
    session.commit()
    mine = browser(anyone, settings, device=device)
    mine.headers["X-CSRF-Token"] = make_csrf_token(settings, other) or ""

    assert mine.patch("/v1/devices/me", json={"places_only": True}).status_code == 403


def test_a_planted_cookie_does_not_speak_for_the_other(
    anyone: Client, session: Session, settings: Settings, organisation: Organisation, device: str
) -> None:
    """Whoever plants a device's cookie knows its token, which is not the member's."""
    member = make_access_token(session, organisation)
    session.commit()
    mine = browser(anyone, settings, device=device, member=member)
    mine.headers["X-CSRF-Token"] = make_csrf_token(settings, device) or ""

    answer = mine.put("/v1/preferences", json={"time_zone": "Europe/Paris"})

    assert answer.json()["type"] == "/problems/csrf"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://127.0.0.1:8080"}, 200),
        ({"Origin": "http://127.0.0.1:8081"}, 403),
        ({"Origin": "https://127.0.0.1:8080"}, 403),
        ({"Origin": "http://127.0.0.1:8080.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8080"}, 403),
        ({}, 200),
    ],
    ids=str,
)
def test_what_a_browser_says_of_another_site_is_believed(
    anyone: Client, settings: Settings, device: str, headers: dict[str, str], status: int
) -> None:
    """Even if it knew the token."""
    mine = browser(anyone, settings, device=device)

    answer = mine.patch("/v1/devices/me", json={"places_only": True}, headers=headers)

    assert answer.status_code == status


def test_a_token_in_a_header_needs_nothing_else(
    anyone: Client, settings: Settings, device: str
) -> None:
    """No browser sends it by itself, so nobody else's page can have it sent."""
    client = browser(anyone, settings)
    client.headers["Authorization"] = f"Bearer {device}"
    client.headers["Sec-Fetch-Site"] = "cross-site"

    assert client.patch("/v1/devices/me", json={"places_only": True}).status_code == 200


@pytest.mark.parametrize("authorization", ["Bearer gsd_made-up", "Basic YTpi", "Bearer", ""])
def test_a_header_that_is_worthless_does_not_fall_back_on_the_cookie(
    anyone: Client, settings: Settings, device: str, authorization: str
) -> None:
    """Whoever sends one means it."""
    mine = browser(anyone, settings, device=device)

    answer = mine.get("/v1/devices/me", headers={"Authorization": authorization})

    assert answer.status_code == 401


def test_each_route_goes_by_the_cookie_it_is_meant_for(
    anyone: Client, session: Session, settings: Settings, organisation: Organisation, device: str
) -> None:
    """A device's by the device's, all else by the member's if there is one."""
    member = make_access_token(session, organisation)
    session.commit()
    both = browser(anyone, settings, device=device, member=member)
    alone = browser(anyone, settings, member=member)

    asked = both.get("/v1/consents").json()
    to = {one["purpose"]: {"text_version": one["text_version"]} for one in asked}

    assert both.get("/v1/devices/me").status_code == 200
    assert both.get("/v1/geofences").status_code == 200
    assert "staff-tasks" in to
    # Who signed in agrees for themselves; a citizen's device cannot to what only staff are asked.
    assert both.put("/v1/consents/staff-tasks", json=to["staff-tasks"]).status_code == 200
    citizen = browser(anyone, settings, device=device)
    assert citizen.put("/v1/consents/nearby", json=to["nearby"]).status_code == 200
    assert citizen.put("/v1/consents/staff-tasks", json=to["staff-tasks"]).status_code == 403
    assert alone.get("/v1/devices/me").status_code == 403
    assert browser(anyone, settings, device=device).get("/v1/geofences").status_code == 403


def test_cookies_are_kept_from_scripts_and_other_hosts(settings: Settings) -> None:
    """With all attributes, and by HTTPS with a name that only this very host can set."""
    plain, safe = settings, settings.model_copy(update={"public_url": HTTPS})
    given = {}
    for name, of in (("plain", plain), ("safe", safe)):
        response = Response()
        cookies.give_device(response, "gsd_x", of)
        cookies.give_member(response, "gsa_x", of, cookies.DEVICE_LASTS / 400)
        cookies.drop_device(response, of)
        cookies.drop_member(response, of)
        given[name] = response.headers.getlist("set-cookie")

    assert given["safe"] == [
        "__Host-device=gsd_x; HttpOnly; Max-Age=34560000; Path=/; SameSite=strict; Secure",
        "__Host-member=gsa_x; HttpOnly; Max-Age=86400; Path=/; SameSite=lax; Secure",
        '__Host-device=""; HttpOnly; Max-Age=0; Path=/; SameSite=strict; Secure',
        '__Host-member=""; HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure',
    ]
    assert given["plain"] == [
        one.replace("__Host-", "").removesuffix("; Secure") for one in given["safe"]
    ]


def test_by_https_only_the_cookie_with_the_safe_name_counts(settings: Settings) -> None:
    """Another host could plant the plain one."""
    app = SimpleNamespace(
        state=SimpleNamespace(settings=settings.model_copy(update={"public_url": HTTPS}))
    )
    headers = [(b"cookie", b"device=planted; __Host-device=ours; __Host-member=")]
    request = Request({"type": "http", "method": "POST", "headers": headers, "app": app})

    assert cookies.token_in(request, "device") == "ours"
    assert cookies.token_in(request, "member") is None
    token = csrf_token_after(request, member="new")
    assert token == make_csrf_token(settings, "ours", "new")
    with pytest.raises(CsrfRefused):
        check_csrf(request, "ours")
