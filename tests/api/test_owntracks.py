"""OwnTracks over HTTP, as the apps for iOS and Android speak and listen."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client
from nacl.secret import SecretBox
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from geoservices import receiving, withdrawing
from geoservices.accounts.models import Consent, Device, Organisation, Purpose
from geoservices.geofences.models import Geofence
from geoservices.outbox import OutboxMessage
from geoservices.phones.models import HandedRegions, PhoneApp
from geoservices.phones.regions import rid_of, stamp_of
from geoservices.phones.service import key_of
from geoservices.pings.models import Ping
from geoservices.places.sensitivity import SensitiveKind
from geoservices.settings.service import Settings
from geoservices.visits.models import Transition, Visit
from tests.api.asking import now
from tests.api.conftest import with_token
from tests.api.phoning import Phone, basic, dump, location, make_phone, transition
from tests.factories import (
    EXETER,
    NOON,
    make_access_token,
    make_device,
    make_geofence,
    make_person,
    make_place,
)


@pytest.fixture
def phone(anyone: Client, session: Session, organisation: Organisation) -> Phone:
    """A citizen's phone with OwnTracks; they agreed to what is nearby."""
    return make_phone(anyone, session, organisation, PhoneApp.OWNTRACKS, Purpose.NEARBY)


@pytest.fixture
def hidden(anyone: Client, session: Session, organisation: Organisation) -> Phone:
    """The same, sharing places only."""
    return make_phone(
        anyone, session, organisation, PhoneApp.OWNTRACKS, Purpose.NEARBY, places_only=True
    )


def followed(session: Session) -> int:
    """How many devices were ever followed."""
    asked = select(func.count()).where(Device.followed_until.is_not(None))
    return session.scalars(asked).one()


def rows(session: Session, table: type) -> int:
    """How many rows there are."""
    return session.scalars(select(func.count()).select_from(table)).one()


def happened(session: Session) -> list[tuple[str, str]]:
    """The kinds and reasons of all transitions, in order."""
    found = session.execute(
        select(Transition.kind, Transition.reason).order_by(Transition.occurred_at)
    )
    return [(kind, reason) for kind, reason in found]


def waypoints(answer: Any) -> list[dict[str, Any]] | None:
    """What an answer makes the phone watch; None if it says nothing of that."""
    commands = [one for one in answer if one["_type"] == "cmd"]
    if not commands:
        return None
    assert commands[0]["action"] == "clearWaypoints"
    return [one for command in commands[1:] for one in command["waypoints"]["waypoints"]]


def test_a_location_is_a_ping_and_enters(phone: Phone, session: Session) -> None:
    """The answer tells where the phone is and what to watch."""
    answer = phone.owntracks(location())

    assert answer.status_code == 200
    assert happened(session) == [("entered", "clearly-inside")]
    assert rows(session, Ping) == rows(session, OutboxMessage) == 1
    card, *commands = answer.json()
    assert card == {"_type": "card", "tid": "EL", "name": "Exeter Library, Devon"}
    [region] = waypoints(commands) or []
    assert region["rid"] == rid_of(phone.geofence.id)
    assert region["rad"] == 100


def test_sent_again_it_is_the_same_ping(phone: Phone, session: Session) -> None:
    """A phone that got no answer sends again, and is told again what to watch."""
    message = location()
    first = phone.owntracks(message).json()

    again = phone.owntracks(message).json()

    assert again == first
    assert rows(session, Ping) == rows(session, Transition) == 1
    assert waypoints(phone.owntracks(location(-1)).json()) is None


@pytest.mark.parametrize("name", ["rid", "wtst"])
def test_a_phone_tells_of_a_region_in_either_way(phone: Phone, session: Session, name: str) -> None:
    """IOS by its id, Android by when it was made."""
    [region] = waypoints(phone.owntracks(location(800, lat=51.0)).json()) or []
    names = {"rid": region["rid"]} if name == "rid" else {"wtst": region["tst"]}

    came = phone.owntracks(transition("enter", 600, **names))
    went = phone.owntracks(transition("leave", 10, **names))

    assert came.status_code == went.status_code == 200
    assert ("entered", "told-by-phone") in happened(session)
    assert happened(session)[-1] == ("exited", "told-by-phone")
    assert rows(session, Visit) == 1


@pytest.mark.parametrize(
    "names",
    [
        {"rid": "f7676c"},
        {"rid": rid_of(uuid4())},
        {"wtst": 1610104395},
        {"wtst": stamp_of(uuid4())},
        {"rid": "", "wtst": None},
        {"rid": {"deep": [1]}, "wtst": "x"},
    ],
)
def test_a_region_of_the_phones_own_is_none_of_ours(
    phone: Phone, session: Session, logged: Callable[[], str], names: dict[str, Any]
) -> None:
    """It is accepted, so that the phone forgets it, and nothing comes of it."""
    answer = phone.owntracks(transition("enter", **names))

    assert answer.status_code == 200
    assert rows(session, Visit) == 0
    assert '"unknown-region": 1' in logged()


@pytest.mark.parametrize("accuracy", [0, -5, None])
def test_a_beacons_transition_needs_no_accuracy(
    phone: Phone, session: Session, accuracy: int | None
) -> None:
    """Explicit evidence is not measured."""
    rid = rid_of(phone.geofence.id)

    phone.owntracks(transition("enter", t="b", rid=rid, acc=accuracy, lat=None, lon=None))

    assert happened(session) == [("entered", "told-by-phone")]


def test_queued_messages_may_come_late_and_twice(phone: Phone, session: Session) -> None:
    """A day without signal, then everything at once, some of it sent twice."""
    rid = rid_of(phone.geofence.id)
    queue = [
        location(7200, lat=50.8),
        transition("enter", 7000, rid=rid),
        location(6990),
        transition("leave", 5000, rid=rid),
        location(4990, lat=50.8),
    ]
    for message in [*queue, *queue]:
        assert phone.owntracks(message).status_code == 200

    kinds = [kind for kind, _reason in happened(session) if kind != "dwelled"]
    assert kinds == ["entered", "exited"]
    assert rows(session, Ping) == 3
    assert rows(session, Visit) == 1


def test_old_positions_do_not_say_what_to_watch_now(phone: Phone) -> None:
    """Only one of the last quarter of an hour does."""
    assert waypoints(phone.owntracks(location(3600)).json()) is None
    assert waypoints(phone.owntracks(location(60)).json()) is not None


def test_whoever_presses_the_button_is_told_again(phone: Phone) -> None:
    """After the app's list of regions was deleted by hand, say."""
    phone.owntracks(location(10))

    assert waypoints(phone.owntracks(location(5)).json()) is None
    assert waypoints(phone.owntracks(location(t="u")).json()) is not None


def test_nothing_is_watched_that_is_sensitive_or_off(
    phone: Phone, session: Session, organisation: Organisation
) -> None:
    """Nor named on a card."""
    clinic = make_place(session, organisation, name="Clinic")
    clinic.sensitive_at, clinic.sensitive_kind = NOON, SensitiveKind.CLINIC
    make_geofence(session, clinic)
    session.commit()

    answer = phone.owntracks(location())

    assert "Clinic" not in answer.text
    assert len(waypoints(answer.json()) or []) == 1


@pytest.mark.parametrize(
    "message",
    [
        {"_type": "lwt", "tst": 1},
        {"_type": "waypoint", "desc": "My secret home", "lat": 50.1234567, "lon": -3.1234567},
        {"_type": "waypoints", "waypoints": [{"desc": "My secret home", "lat": 50.1234567}]},
        {"_type": "status"},
        {"_type": "cmd", "action": "reportLocation"},
        {"_type": "future"},
        {"_type": "location"},
        {"_type": "location", "lat": "x", "lon": [], "tst": {}},
        {"_type": "transition", "event": "jump"},
        {"_type": "encrypted", "data": "AAAA"},
        {"_type": None},
        {},
        None,
    ],
)
def test_what_says_nothing_is_accepted_and_not_kept(
    phone: Phone, session: Session, message: Any
) -> None:
    """A message that can never be taken in must not block the phone's queue."""
    answer = phone.owntracks(message)

    assert (answer.status_code, answer.json()) == (200, [])
    told = dump(session)
    assert "secret home" not in told
    assert "50.1234567" not in told
    assert followed(session) == 0


def test_an_empty_message_is_accepted(phone: Phone) -> None:
    """As the apps send where a friend was deleted."""
    answer = phone.client.post("/v1/owntracks", headers=basic(phone.device.id, phone.token))

    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "unreadable-body"),
        (b'{"_type": "location", "_type": "lwt"}', "unreadable-body"),
        (b"[" * 5000, "unreadable-body"),
        (b"\xff\xfe", "unreadable-body"),
        (b"[]", "invalid-request"),
        (b'"location"', "invalid-request"),
    ],
)
def test_what_no_phone_sends_is_refused(
    phone: Phone, session: Session, body: bytes, code: str
) -> None:
    """With a problem document."""
    headers = {**basic(phone.device.id, phone.token), "Content-Type": "application/json"}

    answer = phone.client.post("/v1/owntracks", content=body, headers=headers)

    assert answer.status_code == 422
    assert answer.json()["type"] == f"/problems/{code}"
    assert rows(session, Ping) == 0


def test_an_impossible_clock_is_dropped_and_told_without_the_position(
    phone: Phone, session: Session, logged: Callable[[], str]
) -> None:
    """The log says how many and why, never where."""
    rid = rid_of(phone.geofence.id)
    for message in (
        location(-3600),
        location(8 * 86400),
        location(lat=EXETER[0], lon=EXETER[1]),
        transition("enter", -3600, rid=rid),
    ):
        assert phone.owntracks(message).status_code == 200

    lines = [json.loads(line) for line in logged().splitlines()]
    dropped = [line for line in lines if line["event"] == "phone_items_dropped"]
    assert [line["reasons"] for line in dropped] == [
        {"recorded-in-the-future": 1},
        {"recorded-too-long-ago": 1},
        {"position-looks-swapped": 1},
        {"recorded-in-the-future": 1},
    ]
    assert {line["device_id"] for line in dropped} == {str(phone.device.id)}
    assert str(EXETER[1]) not in logged()
    assert rows(session, Ping) == rows(session, Visit) == 0


def test_without_consent_the_phone_forgets_and_nothing_is_stored(
    phone: Phone, session: Session, logged: Callable[[], str]
) -> None:
    """Kept on the phone, it would come in once they agree; and it is told to watch no more."""
    phone.owntracks(location(30))
    withdrawing.withdraw_consent(session, phone.person, Purpose.NEARBY, at=now())
    session.commit()

    first = phone.owntracks(location(20))
    second = phone.owntracks(transition("enter", rid=rid_of(phone.geofence.id)))

    assert first.json() == [{"_type": "cmd", "action": "clearWaypoints"}]
    assert (second.status_code, second.json()) == (200, [])
    assert rows(session, Ping) == rows(session, Visit) == 0
    assert rows(session, HandedRegions) == 0
    assert '"consent-missing": 1' in logged()


def test_without_consent_leaving_the_reach_says_nothing(hidden: Phone, session: Session) -> None:
    """Not even which places are near."""
    hidden.owntracks(location())
    withdrawing.withdraw_consent(session, hidden.person, Purpose.NEARBY, at=now())
    session.commit()

    first, second = (hidden.owntracks(transition("leave", rid="reach")) for _ in range(2))

    assert first.json() == [{"_type": "cmd", "action": "clearWaypoints"}]
    assert second.json() == []
    assert rows(session, HandedRegions) == 0


def test_after_agreeing_again_it_watches_again(phone: Phone, session: Session) -> None:
    """The very next position brings the places back."""
    phone.owntracks(location(30))
    withdrawing.withdraw_consent(session, phone.person, Purpose.NEARBY, at=now())
    session.commit()
    phone.owntracks(location(20))
    session.add(
        Consent(person_id=phone.person.id, purpose="nearby", text_version="1", given_at=now())
    )
    session.commit()

    assert len(waypoints(phone.owntracks(location()).json()) or []) == 1


def test_a_phone_of_places_only_leaves_no_position(hidden: Phone, session: Session) -> None:
    """Its visits are known, and no number of where it was stands in any table."""
    rid = rid_of(hidden.geofence.id)
    somewhere = {"lat": 50.7251234, "lon": -3.5312345, "acc": 17}

    asked = hidden.owntracks(location(600, **somewhere))
    came = hidden.owntracks(transition("enter", 500, rid=rid, **somewhere))
    still = hidden.owntracks(location(400, **somewhere))
    hidden.owntracks(transition("leave", 5, rid=rid, **somewhere))

    assert [one["rid"] for one in waypoints(asked.json()) or []] == [rid]
    assert waypoints(came.json()) is None
    assert still.json()[0]["name"] == "Exeter Library, Devon"
    assert [kind for kind, _ in happened(session)] == ["entered", "dwelled", "exited"]
    told = dump(session)
    assert "50.725123" not in told
    assert "3.531234" not in told
    assert rows(session, Ping) == 0


def test_leaving_the_reach_is_no_visit(hidden: Phone, session: Session) -> None:
    """It is the circle round all places near; what is told from there is what to watch next."""
    answer = hidden.owntracks(transition("leave", rid="reach"))

    assert len(waypoints(answer.json()) or []) == 1
    assert rows(session, Visit) == 0


def test_the_devices_own_token_will_do(anyone: Client, session: Session) -> None:
    """As the password, or as a bearer token."""
    device, token = make_device(session, make_person(session, Purpose.NEARBY))
    session.commit()

    by_name = anyone.post(
        "/v1/owntracks", json=location(9), headers=basic(device.id.hex.upper(), token)
    )
    bearer = with_token(anyone, token).post("/v1/owntracks", json=location())

    assert by_name.status_code == bearer.status_code == 200
    assert rows(session, Ping) == 2


def test_whoever_is_not_known_is_refused(
    phone: Phone, session: Session, organisation: Organisation
) -> None:
    """Another's name, another app's token, a member's, half a header, none at all."""
    other, other_token = make_device(session, make_person(session, Purpose.NEARBY))
    member = make_access_token(session, organisation)
    session.commit()
    headers = [
        basic(other.id, phone.token),
        basic(phone.device.id, other_token),
        basic(phone.device.id, "gsp_wrong"),
        basic("anna", phone.token),
        {"Authorization": "Basic !"},
        {"Authorization": "Basic " + b64encode(b"no colon").decode()},
        {"Authorization": f"Basic {phone.token}"},
        {},
    ]

    answers = [
        phone.client.post("/v1/owntracks", json=location(), headers=header) for header in headers
    ]

    assert [answer.status_code for answer in answers] == [401] * len(headers)
    as_member = phone.client.post(
        "/v1/owntracks", json=location(), headers=basic(phone.device.id, member)
    )
    assert as_member.status_code == 403
    assert (
        phone.client.post(
            "/v1/overland",
            json={"locations": []},
            headers={"Authorization": f"Bearer {phone.token}"},
        ).status_code
        == 401
    )
    assert rows(session, Ping) == 0


def test_a_revoked_link_or_device_is_out_at_once(phone: Phone, session: Session) -> None:
    """With the very next message."""
    phone.link.revoked_at = NOON
    session.commit()

    assert phone.owntracks(location()).status_code == 401


def test_a_link_reads_nothing(phone: Phone) -> None:
    """It reports, and that is all: a stolen one opens no other door."""
    client = with_token(phone.client, phone.token)

    for path in ("/v1/visits", "/v1/devices/me", "/v1/consents", "/v1/notifications"):
        assert client.get(path).status_code == 401
    assert client.post("/v1/pings", json={}).status_code == 401


def test_while_the_database_is_away_the_phone_keeps_its_message(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503, which makes both apps try again."""

    def fail(*_arguments: Any, **_named: Any) -> None:
        raise OperationalError("SELECT", {}, Exception())

    monkeypatch.setattr(receiving, "take_in_from", fail)

    answer = phone.owntracks(location())

    assert answer.status_code == 503
    assert answer.headers["retry-after"]


@pytest.fixture
def sealed(anyone: Client, session: Session, organisation: Organisation) -> Phone:
    """A phone that encrypts."""
    return make_phone(
        anyone, session, organisation, PhoneApp.OWNTRACKS, Purpose.NEARBY, encrypted=True
    )


def box(key: str) -> SecretBox:
    """The key as the app pads it."""
    return SecretBox(key.encode().ljust(32, b"\x00"))


def seal(key: str, message: Any) -> dict[str, str]:
    """An encrypted message."""
    data = box(key).encrypt(json.dumps(message).encode())
    return {"_type": "encrypted", "data": b64encode(data).decode()}


def test_an_encrypted_message_is_read_and_answered_so(
    sealed: Phone, session: Session, settings: Settings
) -> None:
    """IOS opens the whole answer with its key."""
    key = key_of(sealed.link.id, settings.phones)
    assert key is not None

    answer = sealed.owntracks(seal(key, location())).json()

    assert answer["_type"] == "encrypted"
    opened = json.loads(box(key).decrypt(b64decode(answer["data"])))
    assert opened[0]["name"] == "Exeter Library, Devon"
    assert len(waypoints(opened) or []) == 1
    assert rows(session, Ping) == 1


def test_what_cannot_be_opened_is_dropped_and_counted(
    sealed: Phone, phone: Phone, session: Session, logged: Callable[[], str]
) -> None:
    """Another key, or a phone that was given none."""
    for one in (sealed, phone):
        answer = one.owntracks(seal("another key", location()))
        assert (answer.status_code, answer.json()) == (200, [])

    assert rows(session, Ping) == 0
    assert '"cannot-be-opened": 1' in logged()
    assert '"no-key": 1' in logged()


def test_a_phone_that_encrypts_may_also_speak_openly(sealed: Phone, session: Session) -> None:
    """While its owner is still setting it up."""
    assert sealed.owntracks(location()).json()[0]["_type"] == "card"
    assert rows(session, Ping) == 1


def test_two_phones_of_one_geofence_do_not_meet(
    phone: Phone, hidden: Phone, session: Session
) -> None:
    """What one tells is its own."""
    phone.owntracks(transition("enter", rid=rid_of(phone.geofence.id)))

    [visit] = session.scalars(select(Visit)).all()
    assert visit.device_id == phone.device.id
    assert hidden.owntracks(location()).json()[0]["_type"] == "cmd"


def test_a_geofence_switched_off_is_told_of_in_vain(phone: Phone, session: Session) -> None:
    """The phone does not know yet; nothing comes of it, and it is told."""
    phone.owntracks(location(600, lat=51.0))
    session.get_one(Geofence, phone.geofence.id).disabled_at = now()
    session.commit()

    answer = phone.owntracks(transition("enter", rid=rid_of(phone.geofence.id)))

    assert waypoints(answer.json()) == []
    assert rows(session, Visit) == 0
