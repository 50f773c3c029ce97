"""Devices known by cookies or tokens, both exchanged; and who a browser is."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from httpx2 import Client
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from api.app import create_app
from api.csrf import make_csrf_token
from geoservices.access.rights import Right
from geoservices.accounts.models import Device, Organisation, OtherToken, Person, SignIn
from geoservices.database import SessionFactory
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.calling import AppClient
from tests.api.conftest import browser, with_token
from tests.factories import make_access_token, make_device, make_person

BY_COOKIE = {"credential": "cookie"}
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def set_up(anyone: Client, settings: Settings, **asked: object) -> Client:
    """A browser whose page has made it a device."""
    mine = browser(anyone, settings)
    made = mine.post("/v1/devices", json={**BY_COOKIE, **asked}).json()
    mine.headers["X-CSRF-Token"] = made["csrf_token"]
    return mine


def grow_old(session: Session) -> None:
    """Let all devices have been made long ago, and what was given out since, too."""
    session.execute(update(Device).values(created_at=LONG_AGO))
    session.execute(update(OtherToken).values(made_at=LONG_AGO))
    session.commit()


def end_overlap(session: Session) -> None:
    """Let all tokens of before have ended long ago."""
    session.execute(
        update(OtherToken).where(OtherToken.ended_at.is_not(None)).values(ended_at=LONG_AGO)
    )
    session.commit()


def test_a_browser_gets_a_cookie_and_no_token(anyone: Client, settings: Settings) -> None:
    """The answer has what its requests must carry, and nothing to steal."""
    mine = browser(anyone, settings)

    answer = mine.post("/v1/devices", json=BY_COOKIE)

    made = answer.json()
    assert made["token"] is None
    assert "gsd_" not in answer.text
    assert "HttpOnly; Max-Age=34560000; Path=/; SameSite=strict" in answer.headers["set-cookie"]
    mine.headers["X-CSRF-Token"] = made["csrf_token"]
    assert mine.get("/v1/devices/me").json()["id"] == made["id"]
    assert mine.post("/v1/pings", json=asking.ping()).json()["type"] == "/problems/consent-missing"


def test_a_phone_gets_a_token_and_no_cookie(anyone: Client) -> None:
    """As it has nowhere to keep cookies."""
    answer = anyone.post("/v1/devices", json={})

    assert answer.json()["token"].startswith("gsd_")
    assert answer.json()["csrf_token"] is None
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}]
)
def test_another_site_makes_nobodys_browser_a_device(
    anyone: Client, settings: Settings, session: Session, headers: dict[str, str]
) -> None:
    """Least of all one that its own visits would be told to somebody else by."""
    answer = browser(anyone, settings).post("/v1/devices", json=BY_COOKIE, headers=headers)

    assert answer.json()["type"] == "/problems/csrf"
    assert session.scalars(select(Device)).all() == []


def test_a_browser_that_is_a_device_is_not_made_another_by_mistake(
    anyone: Client, settings: Settings, session: Session
) -> None:
    """Only with a word of its user's, and then the first one ends."""
    mine = set_up(anyone, settings)
    before = mine.get("/v1/devices/me").json()["id"]

    refused = mine.post("/v1/devices", json=BY_COOKIE)
    unshown = mine.post(
        "/v1/devices", json={**BY_COOKIE, "replaces_device": True}, headers={"X-CSRF-Token": ""}
    )
    made = mine.post("/v1/devices", json={**BY_COOKIE, "replaces_device": True}).json()

    assert refused.json()["type"] == "/problems/browser-is-device"
    assert unshown.json()["type"] == "/problems/csrf"
    assert mine.get("/v1/devices/me").json()["id"] == made["id"] != before
    session.expire_all()
    revoked = {str(one.id): one.revoked_at is not None for one in session.scalars(select(Device))}
    assert revoked == {before: True, made["id"]: False}


def test_a_cookie_that_is_worthless_keeps_nobody_from_starting_anew(
    anyone: Client, settings: Settings, session: Session
) -> None:
    """A page cannot drop it, so it counts as none."""
    mine = set_up(anyone, settings)
    session.execute(update(Device).values(revoked_at=LONG_AGO))
    session.commit()

    assert mine.get("/v1/notifications").status_code == 401
    assert mine.post("/v1/devices", json=BY_COOKIE).status_code == 201


def test_a_member_whose_cookie_has_run_out_is_not_made_a_citizen(
    anyone: Client, settings: Settings, session: Session
) -> None:
    """They shall sign in again."""
    mine = browser(anyone, settings, member="gsa_run-out")

    assert mine.post("/v1/devices", json=BY_COOKIE).status_code == 401
    assert session.scalars(select(Device)).all() == []


def test_a_device_made_while_signed_in_is_the_members(
    anyone: Client, settings: Settings, session: Session, organisation: Organisation
) -> None:
    """By the member's cookie, and one token then serves both."""
    token = make_access_token(session, organisation)
    session.commit()
    mine = browser(anyone, settings, member=token)

    made = mine.post("/v1/devices", json=BY_COOKIE).json()

    mine.headers["X-CSRF-Token"] = made["csrf_token"]
    assert (
        session.scalars(select(Device.person_id)).one() == session.scalars(select(Person.id)).one()
    )
    assert mine.patch("/v1/devices/me", json={"places_only": True}).status_code == 200
    assert mine.put("/v1/preferences", json={"time_zone": "Europe/Paris"}).status_code == 200


def test_revoking_its_device_drops_the_browsers_cookie(anyone: Client, settings: Settings) -> None:
    """It is nobody then."""
    mine = set_up(anyone, settings)

    answer = mine.delete("/v1/devices/me")

    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert mine.get("/v1/session").json() == {"device": None, "member": None, "csrf_token": None}


def test_a_browser_asks_who_it_is(
    anyone: Client, settings: Settings, session: Session, organisation: Organisation
) -> None:
    """By each cookie; nobody in particular is an answer as well."""
    device, device_token = make_device(session, make_person(session))
    member_token = make_access_token(session, organisation)
    session.commit()
    mine = browser(anyone, settings, device=device_token, member=member_token)

    nobody = browser(anyone, settings).get("/v1/session")
    told = mine.get("/v1/session").json()

    assert nobody.status_code == 200
    assert nobody.json() == {"device": None, "member": None, "csrf_token": None}
    assert told["device"] == {"id": str(device.id), "label": None}
    assert told["member"]["organisation"]["slug"] == organisation.slug
    assert (told["member"]["name"], told["member"]["role"]) == ("Test", "manager")
    assert Right.CAMPAIGNS_WRITE in told["member"]["rights"]
    assert told["member"]["signed_in_until"] == "2100-01-01T00:00:00Z"
    cookies = mine.cookies["device"], mine.cookies["member"]
    assert told["csrf_token"] == make_csrf_token(settings, *cookies)


def test_cookies_that_are_worthless_are_dropped(
    anyone: Client, settings: Settings, session: Session, organisation: Organisation
) -> None:
    """So that no request is refused because of them for ever."""
    token = make_access_token(session, organisation)
    session.execute(update(SignIn).values(revoked_at=LONG_AGO))
    session.commit()
    mine = browser(anyone, settings, device="gsd_nobodys", member=token)

    answer = mine.get("/v1/session")

    assert answer.json() == {"device": None, "member": None, "csrf_token": None}
    assert [one.partition("=")[0] for one in answer.headers.get_list("set-cookie")] == [
        "device",
        "member",
    ]
    assert dict(mine.cookies) == {}


def test_a_token_is_exchanged(anyone: Client, session: Session) -> None:
    """Both count until the new one is used; then the old one soon ends."""
    old = anyone.post("/v1/devices", json={}).json()["token"]
    before = with_token(anyone, old)

    new = before.post("/v1/devices/me/token").json()["token"]

    after = with_token(anyone, new)
    assert before.get("/v1/devices/me").status_code == 200
    assert after.get("/v1/devices/me").json() == before.get("/v1/devices/me").json()
    end_overlap(session)
    assert after.get("/v1/devices/me").status_code == 200


@pytest.mark.parametrize(
    "replay",
    [
        lambda client: client.get("/v1/devices/me"),
        lambda client: client.post("/v1/pings", json=asking.ping()),
        lambda client: client.post("/v1/overland", json={"locations": []}),
        lambda client: client.post("/v1/devices", json={}),
    ],
    ids=["a route of devices", "the short way", "a phone app's route", "a new device"],
)
def test_a_replayed_token_ends_the_device(
    anyone: Client, session: Session, replay: Callable[[Client], object]
) -> None:
    """Wherever it is shown, for both who have a token of it."""
    old = anyone.post("/v1/devices", json={}).json()["token"]
    before = with_token(anyone, old)
    after = with_token(anyone, before.post("/v1/devices/me/token").json()["token"])
    after.get("/v1/devices/me")
    end_overlap(session)

    replay(before)

    assert before.get("/v1/devices/me").json()["type"] == "/problems/unauthenticated"
    assert after.get("/v1/devices/me").json()["type"] == "/problems/unauthenticated"
    assert session.scalars(select(Device.revoked_at)).one() is not None


def test_whoever_replays_a_token_is_told_why(
    anyone: Client, session: Session, logged: Callable[[], str]
) -> None:
    """And so is the operator, without the token."""
    old = anyone.post("/v1/devices", json={}).json()["token"]
    before = with_token(anyone, old)
    with_token(anyone, before.post("/v1/devices/me/token").json()["token"]).get("/v1/devices/me")
    end_overlap(session)

    answer = before.get("/v1/devices/me")

    assert answer.status_code == 401
    assert answer.json()["type"] == "/problems/token-replayed"
    assert "device_token_replayed" in logged()
    assert old not in logged()


def test_a_token_made_up_from_a_real_one_is_nobodys(anyone: Client) -> None:
    """Of another kind, cut, longer, in other letters, or with what its hash is."""
    token = anyone.post("/v1/devices", json={}).json()["token"]
    forged = [
        "gsa_" + token[4:],
        token[:-1],
        token + "A",
        token.swapcase(),
        token[4:],
        f" {token}",
        token + "\x00",
    ]

    statuses = [
        anyone.get("/v1/devices/me", headers={b"Authorization": b"Bearer " + one.encode()})
        for one in forged[:-2]
    ]

    assert {answer.status_code for answer in statuses} == {401}


def test_pings_by_a_token_of_before_are_taken_while_it_counts(
    anyone: Client, citizen: Client
) -> None:
    """What was on its way is not lost, on the short way or the long one."""
    following = with_token(anyone, citizen.post("/v1/devices/me/token").json()["token"])

    answers = [
        client.post("/v1/pings", json=asking.ping(seconds_ago=60 * ago))
        for ago, client in enumerate([citizen, following, citizen, following])
    ]

    assert [answer.json()["pings"][0]["verdict"] for answer in answers] == [
        "accepted",
        "late",
        "late",
        "late",
    ]


def test_a_cookie_that_has_served_its_time_is_exchanged(
    anyone: Client, settings: Settings, session: Session
) -> None:
    """When the page asks who it is; a parallel request gives no third one."""
    mine = set_up(anyone, settings)
    first = mine.cookies["device"]
    young = mine.get("/v1/session")
    grow_old(session)
    tab = browser(anyone, settings, device=first)

    old = mine.get("/v1/session")
    parallel = tab.get("/v1/session")

    assert "set-cookie" not in young.headers
    assert "set-cookie" not in parallel.headers
    second = mine.cookies["device"]
    assert second != first
    mine.headers["X-CSRF-Token"] = old.json()["csrf_token"]
    assert mine.patch("/v1/devices/me", json={"places_only": True}).status_code == 200
    assert "set-cookie" not in tab.get("/v1/session").headers
    end_overlap(session)
    assert "Max-Age=0" in tab.get("/v1/session").headers["set-cookie"]
    assert mine.get("/v1/devices/me").status_code == 401


def test_an_exchange_whose_answer_was_lost_is_made_up_for(
    anyone: Client, settings: Settings, session: Session
) -> None:
    """The browser goes on with the cookie it has, and is given another one."""
    mine = set_up(anyone, settings)
    first = mine.cookies["device"]
    grow_old(session)
    mine.get("/v1/session")
    lost = mine.cookies["device"]
    mine = browser(anyone, settings, device=first)
    grow_old(session)

    mine.get("/v1/session")

    assert mine.cookies["device"] not in {first, lost}
    assert mine.get("/v1/devices/me").status_code == 200


def test_a_browser_exchanges_its_cookie_when_it_wants(anyone: Client, settings: Settings) -> None:
    """The token is not shown to the page."""
    mine = set_up(anyone, settings)
    first = mine.cookies["device"]

    answer = mine.post("/v1/devices/me/token")

    assert answer.json()["token"] is None
    assert mine.cookies["device"] != first
    mine.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    assert mine.patch("/v1/devices/me", json={"places_only": True}).status_code == 200


def test_by_https_only_this_very_host_sets_the_cookie(
    anyone: Client, settings: Settings, confined: SessionFactory
) -> None:
    """A cookie of the plain name, which a neighbouring host could plant, is nobody's."""
    application = create_app(
        confined, settings.model_copy(update={"public_url": "https://visits.devon.example"})
    )
    mine = AppClient(application, base_url="https://visits.devon.example")
    token = anyone.post("/v1/devices", json={}).json()["token"]

    made = mine.post("/v1/devices", json=BY_COOKIE)

    assert made.headers["set-cookie"].startswith("__Host-device=gsd_")
    assert made.headers["set-cookie"].endswith("; Secure")
    assert mine.get("/v1/session").json()["device"]["id"] == made.json()["id"]
    mine.cookies.clear()
    mine.cookies.set("device", token)
    assert mine.get("/v1/session").json()["device"] is None
    assert mine.get("/v1/devices/me").status_code == 401
