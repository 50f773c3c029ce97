"""Devices, consents and preferences."""

from dataclasses import replace
from typing import Any

import pytest
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.schemas import consents as schemas
from geoservices.accounts import consents, service
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Consent, Device, Organisation, Person, Purpose
from geoservices.pings.models import Ping
from geoservices.visits.models import Visit
from tests.api import asking
from tests.api.conftest import with_token
from tests.factories import make_geofence, make_place


def count(session: Session, table: type) -> int:
    """How many rows there are."""
    return session.scalars(select(func.count()).select_from(table)).one()


def test_a_new_device_gets_a_token_once_and_no_name(anyone: Client, session: Session) -> None:
    """An anonymous citizen; of the token only a hash is kept."""
    made = anyone.post("/v1/devices", json={"label": "  Anna's phone "}).json()

    client = with_token(anyone, made["token"])
    seen = client.get("/v1/devices/me").json()
    device, person = session.scalars(select(Device)).one(), session.scalars(select(Person)).one()
    assert seen == {
        "id": made["id"],
        "label": "Anna's phone",
        "places_only": False,
        "created_at": made["created_at"],
        "located": {"now": False, "until": None, "next_from": None},
    }
    assert made["token"].encode() not in device.token_hash
    assert (person.role, person.name, person.organisation_id) == ("citizen", None, None)


def test_a_second_device_of_a_members_is_the_same_persons(anyone: Client, manager: Client) -> None:
    """What one device agreed to holds for the person, whichever device they use."""
    first, second = (
        with_token(anyone, manager.post("/v1/devices", json={}).json()["token"]) for _ in range(2)
    )
    first.put("/v1/preferences", json={"time_zone": "Pacific/Auckland"})

    assert second.get("/v1/preferences").json()["time_zone"] == "Pacific/Auckland"


def test_a_device_makes_no_further_devices(citizen: Client, session: Session) -> None:
    """Whoever stole a phone's token must not get another that outlives it."""
    answer = citizen.post("/v1/devices", json={})

    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("A device makes no further devices.")
    assert count(session, Device) == 1


def test_a_revoked_device_is_out_at_once(anyone: Client) -> None:
    """Its token is worthless with the very next request."""
    client = with_token(anyone, anyone.post("/v1/devices", json={}).json()["token"])

    revoked = client.delete("/v1/devices/me")

    assert revoked.status_code == 204
    assert client.get("/v1/devices/me").status_code == 401


def test_a_device_made_with_a_bad_token_is_refused(anyone: Client, session: Session) -> None:
    """A staff member whose token has run out must not end up as an anonymous citizen."""
    answer = with_token(anyone, "gsa_run-out").post("/v1/devices", json={})

    assert answer.status_code == 401
    assert count(session, Device) == 0


def test_a_browsers_first_wish_is_the_language_to_begin_with(anyone: Client) -> None:
    """Until the person chooses another, or leaves it to whoever tells them of something."""
    wish = {"Accept-Language": "cy-gb,cy;q=0.9,en;q=0.5"}
    token = anyone.post("/v1/devices", json={}, headers=wish).json()["token"]
    mine = with_token(anyone, token)
    zone = {"time_zone": "Europe/London"}

    first = mine.get("/v1/preferences").json()["language"]
    chosen = mine.put("/v1/preferences", json={**zone, "language": "PL"}).json()["language"]
    refused = mine.put("/v1/preferences", json={**zone, "language": "polish"})
    none = mine.put("/v1/preferences", json=zone).json()["language"]

    assert (first, chosen, none) == ("cy-GB", "pl", None)
    assert refused.json()["type"] == "/problems/language-refused"
    assert refused.json()["field"] == "/language"


@pytest.mark.parametrize(
    "time_zone",
    [
        "Mars/Olympus",
        "localtime",
        "posixrules",
        "Factory",
        "../../etc/passwd",
        "/etc/localtime",
        "Europe",
        "europe\\london",
        "zone.tab",
        "x" * 60,
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/devices"), ("PUT", "/v1/preferences")])
def test_an_unknown_time_zone_is_refused(
    manager: Client, method: str, path: str, time_zone: str
) -> None:
    """Only IANA names; a path of the machine's is none, nor is what else lies beside the zones."""
    answer = manager.request(method, path, json={"time_zone": time_zone})

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/time-zone-unknown"
    assert answer.json()["field"] == "/time_zone"


def test_a_citizen_is_asked_only_what_concerns_citizens(stranger: Client) -> None:
    """Each purpose in plain words, none agreed to yet."""
    asked = stranger.get("/v1/consents").json()

    assert [one["purpose"] for one in asked] == [
        "check-in-content",
        "nearby",
        "statistics",
        "email",
    ]
    assert all(one["text"] and one["text_version"] for one in asked)
    assert all(one["agreed_version"] is None and one["given_at"] is None for one in asked)


def test_agreeing_twice_keeps_the_first_word(stranger: Client, session: Session) -> None:
    """When someone agreed is when they first did."""
    body = {"text_version": TEXTS[Purpose.NEARBY].version}

    first = stranger.put("/v1/consents/nearby", json=body)
    second = stranger.put("/v1/consents/nearby", json=body)

    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert count(session, Consent) == 1


def test_agreeing_to_a_text_that_is_not_in_force_is_refused(
    stranger: Client, session: Session
) -> None:
    """The person saw something else; the answer names the version to show."""
    answer = stranger.put("/v1/consents/nearby", json={"text_version": "1999-01"})

    assert answer.status_code == 409
    assert answer.json()["text_version"] == TEXTS[Purpose.NEARBY].version
    assert count(session, Consent) == 0


def test_a_renewed_text_is_asked_anew_and_can_be_agreed_to(
    stranger: Client, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new words come with their own version; agreeing to them ends the older consent."""
    old = TEXTS[Purpose.NEARBY]
    first = stranger.put("/v1/consents/nearby", json={"text_version": old.version}).json()
    new = replace(old, version="2027-05", text="Other words.", texts={"en-GB": "Other words."})
    renewed = {**TEXTS, Purpose.NEARBY: new}
    monkeypatch.setattr(service, "TEXTS", renewed)
    monkeypatch.setattr(consents, "TEXTS", renewed)
    monkeypatch.setattr(schemas, "TEXTS", renewed)

    [asked] = [one for one in stranger.get("/v1/consents").json() if one["purpose"] == "nearby"]
    outdated = stranger.put("/v1/consents/nearby", json={"text_version": old.version})
    agreed = stranger.put("/v1/consents/nearby", json={"text_version": new.version}).json()

    assert asked == {
        "purpose": "nearby",
        "text": "Other words.",
        "texts": {"en-GB": "Other words."},
        "text_version": "2027-05",
        "agreed_version": old.version,
        "given_at": first["given_at"],
        "withdrawn_at": None,
    }
    assert outdated.status_code == 409
    assert (agreed["text_version"], agreed["agreed_version"]) == ("2027-05", "2027-05")
    assert agreed["given_at"] > first["given_at"]
    assert agreed in stranger.get("/v1/consents").json()
    assert count(session, Consent) == 2


def test_an_unknown_purpose_is_refused(stranger: Client) -> None:
    """It names the part of the path that is wrong."""
    answer = stranger.put("/v1/consents/everything", json={"text_version": "1"})

    assert answer.status_code == 422
    assert answer.json()["field"] == "/purpose"


def test_withdrawing_deletes_what_was_known_of_the_persons_whereabouts(
    anyone: Client, manager: Client, session: Session, organisation: Organisation
) -> None:
    """At once, for all their devices, also one that was revoked meanwhile."""
    make_geofence(session, make_place(session, organisation))
    session.commit()
    first, second = (
        with_token(anyone, manager.post("/v1/devices", json={}).json()["token"]) for _ in range(2)
    )
    first.put("/v1/consents/nearby", json={"text_version": TEXTS[Purpose.NEARBY].version})
    for client in (first, second):
        assert client.post("/v1/pings", json=asking.ping()).status_code == 200
    second.delete("/v1/devices/me")

    answers = [first.delete("/v1/consents/nearby") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert [count(session, table) for table in (Ping, Visit)] == [0, 0]
    assert first.post("/v1/pings", json=asking.ping()).status_code == 403


def test_quiet_hours_are_kept_and_taken_away(citizen: Client) -> None:
    """They may run over midnight; leaving them out means none."""
    quiet = {"time_zone": "Europe/London", "quiet_from": "22:00:00", "quiet_until": "07:00:00"}

    kept = citizen.put("/v1/preferences", json=quiet).json()
    read = citizen.get("/v1/preferences").json()
    gone = citizen.put("/v1/preferences", json={"time_zone": "Europe/London"}).json()

    assert kept == read == {**quiet, "language": None}
    assert (gone["quiet_from"], gone["quiet_until"]) == (None, None)


@pytest.mark.parametrize(
    "hours",
    [
        pytest.param({"quiet_from": "22:00"}, id="only the start"),
        pytest.param({"quiet_until": "22:00"}, id="only the end"),
        pytest.param({"quiet_from": "25:00", "quiet_until": "07:00"}, id="the 25th hour"),
        pytest.param({"quiet_from": "22:00Z", "quiet_until": "07:00Z"}, id="with an offset"),
        pytest.param({"quiet_from": "soon", "quiet_until": "later"}, id="words"),
    ],
)
def test_half_or_unreadable_quiet_hours_are_refused(citizen: Client, hours: dict[str, Any]) -> None:
    """Both or neither, as local times."""
    answer = citizen.put("/v1/preferences", json={"time_zone": "Europe/London", **hours})

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/invalid-request"
