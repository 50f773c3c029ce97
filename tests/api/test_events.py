"""Events over HTTP: when they take place, and places there taken, given up and called off."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx2 import Client
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.dependencies import get_now
from geoservices import clock
from geoservices.accounts.models import Organisation, Purpose
from geoservices.events.models import SignUp
from geoservices.places.models import Place
from tests.api.asking import listing
from tests.api.conftest import agree, with_token
from tests.factories import make_device, make_person, make_place

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TOMORROW = clock.now().replace(minute=0, second=0, microsecond=0) + DAY
Neighbours = Callable[[], Client]


def text(at: datetime) -> str:
    """An instant as the API writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    place = make_place(session, organisation)
    session.commit()
    return place


@pytest.fixture
def neighbour(anyone: Client, session: Session) -> Neighbours:
    """Makes phones of citizens who agreed to what check-ins are kept for."""

    def make() -> Client:
        _device, token = make_device(session, make_person(session, Purpose.CHECK_IN_CONTENT))
        session.commit()
        return with_token(anyone, token)

    return make


def story_time(place: Place, **changes: Any) -> dict[str, Any]:
    """Every day at the same time in UTC, for an hour, with a place for one."""
    return listing(place.id, kind="event", title="Story time") | {
        "starts_at": text(TOMORROW),
        "length": "PT1H",
        "rule": "FREQ=DAILY",
        "time_zone": "UTC",
        "capacity": 1,
        "sign_up": "open",
        **changes,
    }


def publish(manager: Client, place: Place, **changes: Any) -> str:
    """Publish story time and return its address."""
    made = manager.post("/v1/listings", json=story_time(place, **changes))
    assert made.status_code == 201, made.json()
    return f"/v1/events/{made.json()['id']}"


def sign_up(
    phone: Client, event: str, starts_at: datetime = TOMORROW, *, id_: str | None = None
) -> Any:
    """Ask for a place."""
    return phone.post(f"{event}/sign-ups", json={"starts_at": text(starts_at), "id": id_})


def titles(phone: Client) -> list[str]:
    """What somebody was told, the newest first."""
    found = phone.get("/v1/notifications").json()["items"]
    return [one["title"] for one in found]


def test_an_event_is_published_with_what_follows(manager: Client, place: Place) -> None:
    """And is the same when it is said once more as it was told."""
    made = manager.post("/v1/listings", json=story_time(place, rule="freq=daily;count=3"))
    told = made.json()

    again = {name: told[name] for name in story_time(place) if name != "withdrawn_at"}
    replaced = manager.put(
        made.headers["location"], json={**again, "ends_at": told["ends_at"], "text": ""}
    )

    assert told["rule"] == "FREQ=DAILY;COUNT=3"
    assert told["ends_at"] == text(TOMORROW + 2 * DAY + HOUR)
    assert replaced.status_code == 200
    assert replaced.json() == told


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"capacity": 0}, "invalid-request", "/capacity"),
        ({"time_zone": "Europe/Exeter"}, "time-zone-unknown", "/time_zone"),
        ({"rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "recurrence-refused", "/rule"),
        ({"rule": "FREQ=DAILY;UNTIL=20200101"}, "recurrence-refused", "/rule"),
        ({"rule": "FREQ=SECONDLY"}, "recurrence-refused", "/rule"),
        ({"length": None}, "event-refused", "/length"),
        ({"length": "PT0S"}, "event-refused", "/length"),
        ({"length": "an hour"}, "invalid-request", "/length"),
        ({"ends_at": text(TOMORROW - HOUR)}, "ends-before-start", "/ends_at"),
        ({"reminders": ["P1D", "PT2H", "PT1H", "PT5M"]}, "invalid-request", "/reminders"),
        ({"reminders": ["P15D"]}, "invalid-request", "/reminders/0"),
        ({"sign_up": "none"}, "event-refused", "/capacity"),
        ({"sign_up": "maybe"}, "invalid-request", "/sign_up"),
        ({"excluded": ["tomorrow"]}, "invalid-request", "/excluded/0"),
    ],
)
def test_an_event_that_cannot_be_is_refused(
    manager: Client, place: Place, changes: dict[str, Any], code: str, field: str
) -> None:
    """With the member at fault, and nothing is stored."""
    refused = manager.post("/v1/listings", json=story_time(place, **changes))

    assert refused.status_code == 422
    assert refused.json()["type"] == f"/problems/{code}"
    assert refused.json()["field"] == field
    assert manager.get("/v1/listings").json()["items"] == []


def test_occurrences_are_told(manager: Client, citizen: Client, place: Place) -> None:
    """From now on or since, within a window, so many."""
    event = publish(manager, place, excluded=[text(TOMORROW + DAY)])

    found = citizen.get(f"{event}/occurrences", params={"limit": 3}).json()
    later = citizen.get(
        f"{event}/occurrences",
        params={"since": text(TOMORROW + 9 * DAY), "until": text(TOMORROW + 11 * DAY)},
    ).json()

    assert [one["starts_at"] for one in found] == [
        text(TOMORROW + number * DAY) for number in (0, 2, 3)
    ]
    assert found[0] == {
        "starts_at": text(TOMORROW),
        "ends_at": text(TOMORROW + HOUR),
        "cancelled": False,
        "cancelled_because": None,
        "places_left": 1,
        "waiting": 0,
        "sign_up_until": text(TOMORROW),
        "yours": None,
    }
    assert [one["starts_at"] for one in later] == [text(TOMORROW + n * DAY) for n in (9, 10)]
    assert citizen.get(f"/v1/events/{uuid4()}/occurrences").status_code == 404


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_occurrences_at_the_ends_of_time_are_no_fault(
    manager: Client, citizen: Client, place: Place, since: str
) -> None:
    """Whoever asks for the years 1 or 9999 gets an answer."""
    event = publish(manager, place)

    for query in ({"since": since}, {"since": since, "until": since}, {"until": since}):
        assert citizen.get(f"{event}/occurrences", params=query).status_code == 200
    refused = citizen.post(f"{event}/sign-ups", json={"starts_at": since})
    assert refused.json()["type"] == "/problems/no-such-occurrence"


def test_a_place_is_taken_waited_for_and_given_up(
    manager: Client, place: Place, neighbour: Neighbours
) -> None:
    """The first who waits moves up at once, and is told; the second is the first then."""
    event = publish(manager, place)
    anna, ben, cleo = neighbour(), neighbour(), neighbour()
    first, second, third = (sign_up(phone, event) for phone in (anna, ben, cleo))
    full = anna.get(f"{event}/occurrences").json()[0]

    gone = anna.delete(f"{event}/sign-ups/{first.json()['id']}")

    assert [one.status_code for one in (first, second, third, gone)] == [201, 201, 201, 204]
    assert [(one.json()["state"], one.json()["position"]) for one in (first, second, third)] == [
        ("going", None),
        ("waiting", 1),
        ("waiting", 2),
    ]
    assert (full["places_left"], full["waiting"]) == (0, 2)
    [bens], [cleos] = (phone.get("/v1/me/sign-ups").json()["items"] for phone in (ben, cleo))
    assert (bens["state"], bens["position"], bens["title"]) == ("going", None, "Story time")
    assert (cleos["state"], cleos["position"]) == ("waiting", 1)
    assert anna.get("/v1/me/sign-ups").json()["items"] == []
    assert titles(ben) == ["Story time: you have a place"]
    assert titles(anna) == titles(cleo) == []


def test_signing_up_again_changes_nothing(
    manager: Client, place: Place, neighbour: Neighbours, session: Session
) -> None:
    """With the same id, another or none; an id of somebody else's is refused."""
    event = publish(manager, place, capacity=5)
    anna, ben = neighbour(), neighbour()
    id_ = str(uuid4())

    first = sign_up(anna, event, id_=id_)
    again = [sign_up(anna, event, id_=other) for other in (id_, str(uuid4()), None)]
    others = sign_up(ben, event, id_=id_)

    assert first.status_code == 201
    assert [one.status_code for one in again] == [200, 200, 200]
    assert [one.json() for one in again] == [first.json()] * 3
    assert (others.status_code, others.json()["type"]) == (409, "/problems/id-taken")
    assert len(session.scalars(select(SignUp)).all()) == 1


def test_nobody_reaches_anothers_sign_up(
    manager: Client, place: Place, neighbour: Neighbours
) -> None:
    """Not to give it up, nor by another event's address, nor twice."""
    event, other = publish(manager, place), publish(manager, place)
    anna, ben = neighbour(), neighbour()
    id_ = sign_up(anna, event).json()["id"]

    assert ben.delete(f"{event}/sign-ups/{id_}").status_code == 404
    assert anna.delete(f"{other}/sign-ups/{id_}").status_code == 404
    assert anna.delete(f"{event}/sign-ups/{id_}").status_code == 204
    assert anna.delete(f"{event}/sign-ups/{id_}").status_code == 404
    assert ben.get("/v1/me/sign-ups").json()["items"] == []


@pytest.mark.parametrize(
    ("changes", "starts_at", "status", "code"),
    [
        ({}, TOMORROW + HOUR, 422, "no-such-occurrence"),
        ({"excluded": [text(TOMORROW + DAY)]}, TOMORROW + DAY, 422, "no-such-occurrence"),
        ({"starts_at": text(TOMORROW - 3 * DAY)}, TOMORROW - 2 * DAY, 409, "occurrence-over"),
        ({"sign_up_closes": "P3D"}, TOMORROW, 409, "sign-up-closed"),
        ({"sign_up": "none", "capacity": None}, TOMORROW, 409, "sign-up-not-offered"),
    ],
)
def test_a_place_that_cannot_be_had_is_refused(
    manager: Client,
    place: Place,
    neighbour: Neighbours,
    changes: dict[str, Any],
    starts_at: datetime,
    status: int,
    code: str,
) -> None:
    """With what to do instead, and nothing is stored."""
    event = publish(manager, place, **changes)
    anna = neighbour()

    refused = sign_up(anna, event, starts_at)

    assert (refused.status_code, refused.json()["type"]) == (status, f"/problems/{code}")
    assert anna.get("/v1/me/sign-ups").json()["items"] == []


def test_without_the_consent_nothing_is_stored(
    manager: Client, place: Place, stranger: Client, session: Session
) -> None:
    """It is the one that check-ins are kept for; withdrawing it gives the place up."""
    event = publish(manager, place)

    refused = sign_up(stranger, event)
    stored = session.scalars(select(SignUp)).all()
    agree(stranger, Purpose.CHECK_IN_CONTENT)
    taken = sign_up(stranger, event)

    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/consent-missing")
    assert stored == []
    assert taken.json()["state"] == "going"


def test_withdrawing_the_consent_frees_the_place(
    manager: Client, place: Place, neighbour: Neighbours
) -> None:
    """Who waited has it, and what the other was told of events is gone."""
    event = publish(manager, place)
    anna, ben, cleo = neighbour(), neighbour(), neighbour()
    for phone in (cleo, anna, ben):
        sign_up(phone, event)
    cleos = cleo.get("/v1/me/sign-ups").json()["items"][0]["id"]
    cleo.delete(f"{event}/sign-ups/{cleos}")
    told = titles(anna)

    assert anna.delete("/v1/consents/check-in-content").status_code == 204

    assert told == ["Story time: you have a place"]
    assert titles(anna) == []
    assert anna.get("/v1/me/sign-ups").json()["items"] == []
    assert ben.get("/v1/me/sign-ups").json()["items"][0]["state"] == "going"
    assert titles(ben) == ["Story time: you have a place"]


def test_erasing_oneself_frees_the_place(
    manager: Client, place: Place, neighbour: Neighbours
) -> None:
    """At once, and not when the rows go."""
    event = publish(manager, place)
    anna, ben = neighbour(), neighbour()
    for phone in (anna, ben):
        sign_up(phone, event)

    assert anna.delete("/v1/me?confirm=erase-everything").status_code == 202

    assert ben.get("/v1/me/sign-ups").json()["items"][0]["state"] == "going"
    assert ben.get(f"{event}/occurrences").json()[0]["waiting"] == 0


def test_more_places_go_to_those_who_wait(
    manager: Client, place: Place, neighbour: Neighbours
) -> None:
    """In their order; fewer places throw nobody out, and nobody moves up until there is one."""
    event = publish(manager, place)
    address = event.replace("events", "listings")
    phones = [neighbour() for _ in range(4)]
    for phone in phones:
        sign_up(phone, event)

    manager.put(address, json=story_time(place, capacity=3))
    states = [phone.get("/v1/me/sign-ups").json()["items"][0] for phone in phones]
    manager.put(address, json=story_time(place, capacity=1))
    fewer = phones[0].get(f"{event}/occurrences").json()[0]
    phones[0].delete(f"{event}/sign-ups/{states[0]['id']}")

    assert [one["state"] for one in states] == ["going", "going", "going", "waiting"]
    assert [titles(phone) for phone in phones[1:3]] == [["Story time: you have a place"]] * 2
    assert (fewer["places_left"], fewer["waiting"]) == (0, 1)
    last = phones[3].get("/v1/me/sign-ups").json()["items"][0]
    assert (last["state"], last["position"]) == ("waiting", 1)


def test_one_occurrence_is_cancelled(manager: Client, place: Place, neighbour: Neighbours) -> None:
    """Everybody who signed up for it is told, once; the others take place."""
    event = publish(manager, place)
    anna, ben, cleo = neighbour(), neighbour(), neighbour()
    sign_up(anna, event)
    sign_up(ben, event)
    sign_up(cleo, event, TOMORROW + DAY)
    body = {"starts_at": text(TOMORROW), "reason": "The roof leaks."}

    first, again = (manager.post(f"{event}/cancellations", json=body) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["cancelled"], first.json()["cancelled_because"]) == (True, body["reason"])
    assert titles(anna) == titles(ben) == ["Story time is cancelled"]
    assert titles(cleo) == []
    assert [one["cancelled"] for one in anna.get(f"{event}/occurrences").json()[:2]] == [
        True,
        False,
    ]
    assert sign_up(neighbour(), event).json()["type"] == "/problems/occurrence-cancelled"
    mine = anna.get("/v1/me/sign-ups").json()["items"]
    assert [one["cancelled_because"] for one in mine] == ["The roof leaks."]


@pytest.mark.parametrize(
    ("starts_at", "status", "code"),
    [
        (TOMORROW + HOUR, 422, "no-such-occurrence"),
        (TOMORROW - 2 * DAY, 409, "occurrence-over"),
    ],
)
def test_what_does_not_take_place_cannot_be_cancelled(
    manager: Client, place: Place, starts_at: datetime, status: int, code: str
) -> None:
    """Nor what has begun."""
    event = publish(manager, place, starts_at=text(TOMORROW - 3 * DAY))
    body = {"starts_at": text(starts_at), "reason": "Snow."}

    refused = manager.post(f"{event}/cancellations", json=body)

    assert (refused.status_code, refused.json()["type"]) == (status, f"/problems/{code}")


def test_who_signed_up_is_told_when_the_event_moves_or_ends(
    manager: Client, place: Place, neighbour: Neighbours
) -> None:
    """A new time is another occurrence; what stays as it was tells nobody anything."""
    event = publish(manager, place)
    address = event.replace("events", "listings")
    anna, ben = neighbour(), neighbour()
    sign_up(anna, event)
    manager.put(address, json=story_time(place, title="Story hour"))
    unmoved = titles(anna)

    manager.put(address, json=story_time(place, starts_at=text(TOMORROW + HOUR)))
    sign_up(ben, event, TOMORROW + HOUR)
    manager.delete(address)

    assert unmoved == []
    assert titles(anna) == ["Story time is cancelled"]
    assert titles(ben) == ["Story time is cancelled"]
    assert sign_up(anna, event, TOMORROW + HOUR).status_code == 404


@pytest.fixture
def set_clock(application: FastAPI) -> Iterator[Callable[[datetime], None]]:
    """Sets what time the application has it to be."""

    def set_(at: datetime) -> None:
        application.dependency_overrides[get_now] = lambda: at

    yield set_
    application.dependency_overrides.clear()


def shown(phone: Client, place: Place) -> list[dict[str, Any]]:
    """The events that somebody sees who looks at the library."""
    found = phone.get(f"/v1/places/{place.id}/listings").json()
    return [one for one in found if one["kind"] == "event"]


def test_people_see_when_it_is_next_and_how_they_stand(
    manager: Client, citizen: Client, place: Place, neighbour: Neighbours
) -> None:
    """Each their own sign-up for that one time, and of the others how many."""
    event = publish(manager, place, evidence_needed="inside", text="By the back door.")
    anna, ben = neighbour(), neighbour()
    for phone in (anna, ben):
        sign_up(phone, event)
    sign_up(citizen, event, TOMORROW + DAY)

    annas, bens, others = (shown(phone, place)[0] for phone in (anna, ben, citizen))

    assert annas["next"] == {
        "starts_at": text(TOMORROW),
        "ends_at": text(TOMORROW + HOUR),
        "places_left": 0,
        "waiting": 1,
        "cancelled": False,
        "cancelled_because": None,
    }
    assert bens["next"] == others["next"] == annas["next"]
    assert (annas["yours"]["state"], annas["yours"]["position"]) == ("going", None)
    assert (bens["yours"]["state"], bens["yours"]["position"]) == ("waiting", 1)
    assert others["yours"] is None
    assert {one["text"] for one in (annas, bens, others)} == {None}


def test_people_see_events_until_they_are_over(
    manager: Client,
    citizen: Client,
    place: Place,
    session: Session,
    set_clock: Callable[[datetime], None],
) -> None:
    """From a month before; not what is past, or was withdrawn, or is elsewhere."""
    daily = publish(manager, place, title="Daily", rule="FREQ=DAILY;COUNT=3")
    publish(manager, place, title="Once", rule=None)
    publish(manager, place, title="Far off", starts_at=text(TOMORROW + 40 * DAY))
    withdrawn = publish(manager, place, title="Withdrawn")
    elsewhere = make_place(session, session.get_one(Organisation, place.organisation_id))
    session.commit()
    publish(manager, elsewhere, title="Elsewhere")
    manager.delete(withdrawn.replace("events", "listings"))

    def seen(at: datetime) -> list[tuple[str, str]]:
        set_clock(at)
        return [(one["title"], one["next"]["starts_at"]) for one in shown(citizen, place)]

    before = seen(TOMORROW - HOUR)
    on = seen(TOMORROW + HOUR / 2)
    between = seen(TOMORROW + HOUR)
    over = seen(TOMORROW + 2 * DAY + HOUR)
    later = seen(TOMORROW + 9 * DAY)

    first, second = text(TOMORROW), text(TOMORROW + DAY)
    assert sorted(before) == sorted(on) == [("Daily", first), ("Once", first)]
    assert between == [("Daily", second)]
    assert over == []
    assert later == [("Far off", text(TOMORROW + 40 * DAY))]
    assert daily


def test_people_see_that_the_next_one_does_not_take_place(
    manager: Client, place: Place, neighbour: Neighbours
) -> None:
    """With the reason, and whoever signed up still sees that they had."""
    event = publish(manager, place)
    anna, ben = neighbour(), neighbour()
    sign_up(anna, event)
    said = {"starts_at": text(TOMORROW), "reason": "The roof leaks."}
    manager.post(f"{event}/cancellations", json=said)

    annas, bens = (shown(phone, place)[0] for phone in (anna, ben))

    assert annas["next"] == bens["next"]
    assert annas["next"]["starts_at"] == text(TOMORROW)
    assert annas["next"]["cancelled_because"] == "The roof leaks."
    assert (annas["yours"]["state"], bens["yours"]) == ("going", None)


@pytest.mark.parametrize(
    ("first", "hours"),
    [
        # Clocks go forward on 28 March 2027 and back on 31 October, both at one o'clock UTC.
        (datetime(2027, 3, 27, 10, tzinfo=UTC), 23),
        (datetime(2027, 10, 30, 9, tzinfo=UTC), 25),
    ],
)
def test_ten_oclock_stays_ten_oclock_when_clocks_change(
    manager: Client,
    place: Place,
    neighbour: Neighbours,
    set_clock: Callable[[datetime], None],
    first: datetime,
    hours: int,
) -> None:
    """The next one begins so many hours after the last, and the sign-up for it is theirs."""
    set_clock(first - DAY)
    changes = {"starts_at": text(first), "time_zone": "Europe/London"}
    event, anna = publish(manager, place, **changes), neighbour()
    second = first + hours * HOUR
    taken = sign_up(anna, event, second)

    before = shown(anna, place)[0]
    set_clock(first + HOUR)
    after = shown(anna, place)[0]

    assert (before["next"]["starts_at"], before["yours"]) == (text(first), None)
    assert (after["next"]["starts_at"], after["yours"]["id"]) == (text(second), taken.json()["id"])


def test_managers_see_how_many_and_not_who(
    manager: Client, place: Place, neighbour: Neighbours
) -> None:
    """Going, waiting and attended."""
    event = publish(manager, place)
    for phone in (neighbour(), neighbour()):
        sign_up(phone, event)

    [told] = manager.get(f"{event}/attendance", params={"limit": 1}).json()

    assert (told["going"], told["waiting"], told["attended"]) == (1, 1, 0)
    assert set(told) == {
        *("starts_at", "ends_at", "cancelled", "cancelled_because", "places_left", "waiting"),
        *("going", "attended"),
    }


def test_a_check_in_there_is_attendance(
    manager: Client, place: Place, neighbour: Neighbours
) -> None:
    """Half an hour before the start it is; once, whatever else is reported."""
    soon = clock.now() + timedelta(minutes=20)
    event = publish(manager, place, starts_at=text(soon))
    anna, ben = neighbour(), neighbour()
    sign_up(anna, event, soon)
    sign_up(ben, event, soon)

    for _ in range(2):
        body = {"id": str(uuid4()), "place_id": str(place.id)}
        assert anna.post("/v1/check-ins", json=body).status_code == 201

    [told] = manager.get(f"{event}/attendance", params={"limit": 1}).json()
    assert (told["going"], told["attended"]) == (1, 1)
    assert anna.get("/v1/me/sign-ups").json()["items"][0]["attended_at"]
    assert ben.get("/v1/me/sign-ups").json()["items"][0]["attended_at"] is None
