"""Fifty people who want the same few places at once: never more go than there is room for."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from httpx2 import Client
from sqlalchemy import func, select, text

from api.app import create_app
from geoservices import attending, clock
from geoservices.accounts.models import Device, Purpose
from geoservices.database import (
    DatabaseRole,
    SessionFactory,
    make_engine,
    make_session_factory,
)
from geoservices.events.models import Event, Occurrence, SignUp, SignUpState
from geoservices.listings.models import ListingKind
from geoservices.notifications.models import Notification
from geoservices.scopes import confined_sessions
from geoservices.settings.service import Settings
from tests.api.asking import listing
from tests.api.conftest import client_of, with_token
from tests.conftest import make_migrated_database
from tests.eventually import eventually
from tests.factories import (
    make_access_token,
    make_device,
    make_listing,
    make_organisation,
    make_person,
    make_place,
)

PEOPLE = 50
PLACES = 12
WAITING = """
    SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE datname = current_database() AND NOT granted)
"""
SOON = timedelta(seconds=30)
STARTS_AT = clock.now().replace(microsecond=0) + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hall:
    """An event that is committed, and those who want to come."""

    sessions: SessionFactory
    manager: Client
    phones: list[Client]
    event_id: UUID
    place_id: UUID

    @property
    def address(self) -> str:
        """Where one signs up."""
        return f"/v1/events/{self.event_id}/sign-ups"

    def stored(self) -> Counter[str]:
        """How many go and wait, by their own rows."""
        with self.sessions() as session:
            rows = session.execute(select(SignUp.state, func.count()).group_by(SignUp.state))
            return Counter(dict(rows.all()))

    def counted(self) -> tuple[int, int]:
        """How many go and wait, as the occurrence has it."""
        with self.sessions() as session:
            one = session.scalars(select(Occurrence)).one()
            return one.going, one.waiting

    @property
    def somebody(self) -> UUID:
        """One of those who want to come."""
        with self.sessions() as session:
            return session.scalars(select(Device.person_id).limit(1)).one()

    def has_waiting(self) -> bool:
        """Whether a transaction waits for another."""
        with self.sessions() as session:
            return bool(session.scalar(text(WAITING)))


@pytest.fixture
def hall(server_url: str, worker_id: str, settings: Settings) -> Iterator[Hall]:
    """A database of the test's own, on which sixteen requests are at work at a time."""
    url = make_migrated_database(server_url, f"test_hall_{worker_id}")
    engine = make_engine(url)
    callers = make_engine(url, role=DatabaseRole.CALLER, pool_size=8)
    sessions = make_session_factory(engine)
    # Each test client has a loop of its own, and requests that queue at the door are woken by one.
    application = create_app(
        confined_sessions(callers), settings, intake=sessions, at_once=PEOPLE + 1
    )
    with sessions() as session, session.begin():
        organisation = make_organisation(session)
        place = make_place(session, organisation)
        event = make_listing(session, place, kind=ListingKind.EVENT, title="Concert")
        assert isinstance(event, Event)
        event.starts_at, event.length, event.time_zone = STARTS_AT, timedelta(hours=2), "UTC"
        event.sign_up, event.capacity = "open", PLACES
        tokens = [
            make_device(session, make_person(session, Purpose.CHECK_IN_CONTENT))[1]
            for _ in range(PEOPLE)
        ]
        manager = make_access_token(session, organisation)
    anyone = client_of(application)
    yield Hall(
        sessions=sessions,
        manager=with_token(anyone, manager),
        phones=[with_token(anyone, token) for token in tokens],
        event_id=event.id,
        place_id=place.id,
    )
    callers.dispose()
    engine.dispose()


def at_once(clients: list[Client], send: Callable[[Client], Any]) -> list[Any]:
    """Have every client send at the same moment, and return the answers."""
    together = Barrier(len(clients))

    def one(client: Client) -> Any:
        together.wait()
        return send(client)

    with ThreadPoolExecutor(len(clients)) as threads:
        return list(threads.map(one, clients))


def sign_up(hall: Hall) -> Callable[[Client], Any]:
    """What everybody sends."""
    body = {"starts_at": STARTS_AT.isoformat()}
    return lambda phone: phone.post(hall.address, json=body)


def test_no_more_go_than_there_are_places(hall: Hall) -> None:
    """Every one of fifty has an answer: a place, or the how manieth they wait."""
    answers = at_once(hall.phones, sign_up(hall))

    assert Counter(one.status_code for one in answers) == {201: PEOPLE}
    assert hall.stored() == {SignUpState.GOING: PLACES, SignUpState.WAITING: PEOPLE - PLACES}
    assert hall.counted() == (PLACES, PEOPLE - PLACES)
    # Each was told the position that they had then, and no two the same.
    positions = sorted(one.json()["position"] for one in answers if one.json()["position"])
    assert positions == list(range(1, PEOPLE - PLACES + 1))


def test_places_that_are_given_up_at_once_each_go_to_one_who_waits(hall: Hall) -> None:
    """While others still sign up; each who moved up is told once."""
    first, rest = hall.phones[:25], hall.phones[25:]
    made = {
        phone: one.json() for phone, one in zip(first, at_once(first, sign_up(hall)), strict=True)
    }
    leaving = [phone for phone, one in made.items() if one["state"] == "going"][:6]

    def do(phone: Client) -> Any:
        if phone in leaving:
            return phone.delete(f"{hall.address}/{made[phone]['id']}")
        return sign_up(hall)(phone)

    answers = at_once([*leaving, *rest], do)

    assert {one.status_code for one in answers} == {201, 204}
    assert hall.stored() == {
        SignUpState.GOING: PLACES,
        SignUpState.WAITING: PEOPLE - len(leaving) - PLACES,
    }
    assert hall.counted() == (PLACES, PEOPLE - len(leaving) - PLACES)
    with hall.sessions() as session:
        told = session.scalars(select(Notification.person_id)).all()
    assert len(told) == len(set(told)) == len(leaving)


def test_more_places_while_people_sign_up_are_given_out_once(hall: Hall) -> None:
    """Whether somebody came before the change or after it: nobody waits while a place is free."""

    def body(capacity: int) -> dict[str, Any]:
        return listing(hall.place_id, kind="event", title="Concert") | {
            "starts_at": STARTS_AT.isoformat(),
            "length": "PT2H",
            "time_zone": "UTC",
            "sign_up": "open",
            "capacity": capacity,
        }

    def do(client: Client) -> Any:
        if client is hall.manager:
            return client.put(f"/v1/listings/{hall.event_id}", json=body(PLACES + 10))
        return sign_up(hall)(client)

    answers = at_once([*hall.phones[:25], hall.manager, *hall.phones[25:]], do)

    assert {one.status_code for one in answers} == {200, 201}
    assert hall.counted() == (PLACES + 10, PEOPLE - PLACES - 10)
    assert hall.stored()[SignUpState.GOING] == PLACES + 10


def withdraw(event: Event) -> None:
    """Have an event take place no more."""
    event.withdrawn_at = clock.now()


def move(event: Event) -> None:
    """Have it take place an hour later."""
    event.starts_at += timedelta(hours=1)


def has_met(hall: Hall, second: Future[Any]) -> Callable[[], bool]:
    """Tell whether what came second is done all the same, or waits for what came first."""
    return lambda: second.done() or hall.has_waiting()


@pytest.mark.parametrize(("change", "refused"), [(withdraw, 404), (move, 422)])
def test_the_first_who_signs_up_waits_for_a_change_under_way(
    hall: Hall, change: Callable[[Event], None], refused: int
) -> None:
    """Nobody gets a place at what is withdrawn, or takes place at other times, by then."""
    with ThreadPoolExecutor(1) as thread:
        with hall.sessions() as session, session.begin():
            event = session.get_one(Event, hall.event_id)
            change(event)
            attending.follow(session, event, at=clock.now())
            answer = thread.submit(sign_up(hall), hall.phones[0])
            eventually(has_met(hall, answer), within=SOON)

        assert answer.result().status_code == refused
    assert hall.stored() == {}


@pytest.mark.parametrize("change", [withdraw, move])
def test_a_change_waits_for_the_first_who_signs_up(
    hall: Hall, change: Callable[[Event], None]
) -> None:
    """What they have just signed up for is called off, and they are told."""
    person_id = hall.somebody

    def follow() -> None:
        with hall.sessions() as session, session.begin():
            event = session.get_one(Event, hall.event_id)
            change(event)
            attending.follow(session, event, at=clock.now())

    with ThreadPoolExecutor(1) as thread:
        with hall.sessions() as session, session.begin():
            attending.sign_up(
                session,
                hall.event_id,
                STARTS_AT,
                person_id=person_id,
                sign_up_id=None,
                at=clock.now(),
            )
            changed = thread.submit(follow)
            eventually(has_met(hall, changed), within=SOON)
        changed.result()

    with hall.sessions() as session:
        assert session.scalars(select(Occurrence.cancelled_at)).one() is not None
        assert session.scalars(select(Notification.person_id)).all() == [person_id]


def test_one_person_with_many_phones_has_one_place(hall: Hall) -> None:
    """The same person, fifty times at once."""
    answers = at_once([hall.phones[0]] * PEOPLE, sign_up(hall))

    assert Counter(one.status_code for one in answers) == {201: 1, 200: PEOPLE - 1}
    assert len({one.json()["id"] for one in answers}) == 1
    assert hall.counted() == (1, 0)
