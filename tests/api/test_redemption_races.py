"""Fifty at once at one offer, on twenty connections: never more than there is.

The lock that these are about is the offer's row (`geoservices.offers.queries.hold`): without it
they fail, as `test_without_the_lock_more_is_given_than_there_is` shows.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from time import sleep
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx2 import Client, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.app import create_app
from geoservices.accounts.models import Organisation, Purpose
from geoservices.database import (
    DatabaseRole,
    SessionFactory,
    make_engine,
    make_session_factory,
    transaction,
)
from geoservices.limiting.limiter import Limiter
from geoservices.offers import queries
from geoservices.offers.models import Offer, Redemption
from geoservices.scopes import confined_sessions
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.conftest import client_of, with_token
from tests.conftest import make_migrated_database
from tests.factories import (
    make_access_token,
    make_device,
    make_geofence,
    make_organisation,
    make_person,
    make_place,
)
from tests.redeeming import ask_for_code, code_of, offer, publish, scan, self_service, take

CLIENTS = 50
CONNECTIONS = 10
"""And as many more while they are needed; other requests wait for one, and hold none meanwhile."""


@dataclass(frozen=True, slots=True)
class Hall:
    """A committed world that all connections see."""

    application: FastAPI
    sessions: SessionFactory
    organisation_id: UUID
    place_id: UUID
    manager: Client

    def person(self, devices: int = 1) -> list[Client]:
        """The phones of one more citizen, who checked in here with the first of them."""
        with transaction(self.sessions) as session:
            person = make_person(session, Purpose.CHECK_IN_CONTENT)
            tokens = [make_device(session, person)[1] for _ in range(devices)]
        phones = [with_token(client_of(self.application), token) for token in tokens]
        checked_in = phones[0].post("/v1/check-ins", json=asking.check_in(self.place_id))
        assert checked_in.status_code == 201
        return phones

    def people(self, count: int = CLIENTS) -> list[Client]:
        """The phones of so many citizens."""
        with ThreadPoolExecutor(8) as threads:
            return [phone for [phone] in threads.map(lambda _: self.person(), range(count))]

    def scanners(self, count: int = CLIENTS) -> list[Client]:
        """So many at as many tills."""
        with transaction(self.sessions) as session:
            organisation = session.get_one(Organisation, self.organisation_id)
            tokens = [make_access_token(session, organisation) for _ in range(count)]
        return [with_token(client_of(self.application), token) for token in tokens]

    def redeemed(self, offer_id: str) -> tuple[int, int]:
        """How many the offer counts, and how many rows say that it was redeemed."""
        with transaction(self.sessions) as session:
            rows = select(func.count()).where(
                Redemption.offer_id == UUID(offer_id), Redemption.redeemed_at.is_not(None)
            )
            counted = session.get_one(Offer, UUID(offer_id)).redeemed_count
            return counted, session.scalars(rows).one()

    def waiting(self, offer_id: str) -> int:
        """How many codes wait."""
        with transaction(self.sessions) as session:
            rows = select(func.count()).where(
                Redemption.offer_id == UUID(offer_id), Redemption.redeemed_at.is_(None)
            )
            return session.scalars(rows).one()


@pytest.fixture(scope="module")
def hall(server_url: str, worker_id: str, settings: Settings) -> Iterator[Hall]:
    """A database of this module's own, since what is committed here stays."""
    url = make_migrated_database(server_url, f"test_redemption_races_{worker_id}")
    engine = make_engine(url, pool_size=4)
    callers = make_engine(url, role=DatabaseRole.CALLER, pool_size=CONNECTIONS)
    sessions = make_session_factory(engine)
    with transaction(sessions) as session:
        organisation = make_organisation(session)
        place = make_place(session, organisation)
        make_geofence(session, place)
        manager = make_access_token(session, organisation)
    application = create_app(
        confined_sessions(callers),
        settings,
        intake=sessions,
        limiting=sessions,
        at_once=CLIENTS,
    )
    yield Hall(
        application=application,
        sessions=sessions,
        organisation_id=organisation.id,
        place_id=place.id,
        manager=with_token(client_of(application), manager),
    )
    callers.dispose()
    engine.dispose()


def at_once(clients: Sequence[Client], send: Callable[[Client], Response]) -> list[Response]:
    """Send from every client at the same moment and return the answers."""
    together = Barrier(len(clients))

    def one(client: Client) -> Response:
        together.wait()
        return send(client)

    with ThreadPoolExecutor(len(clients)) as threads:
        answers = list(threads.map(one, clients))
    assert [answer.text for answer in answers if answer.is_server_error] == []
    return answers


def statuses(answers: Sequence[Response]) -> Counter[int]:
    """How often each status came."""
    return Counter(answer.status_code for answer in answers)


def test_one_code_at_many_tills_is_redeemed_once(hall: Hall) -> None:
    """A screenshot that was sent round: one till takes it."""
    offer_id = publish(hall.manager, offer(hall.place_id, per_person=None))
    [phone] = hall.person()
    code = code_of(phone, offer_id)

    answers = at_once(hall.scanners(), lambda till: scan(till, code))

    assert statuses(answers) == {201: 1, 409: CLIENTS - 1}
    assert hall.redeemed(offer_id) == (1, 1)


def test_one_scan_sent_many_times_is_redeemed_once(hall: Hall) -> None:
    """A till that does not hear the answer: all are told what the first one did."""
    offer_id = publish(hall.manager, offer(hall.place_id))
    [phone] = hall.person()
    [till] = hall.scanners(1)
    body = asking.redemption(code_of(phone, offer_id))

    answers = at_once([till] * CLIENTS, lambda one: one.post("/v1/redemptions", json=body))

    assert statuses(answers) == {201: 1, 200: CLIENTS - 1}
    assert len({answer.text for answer in answers}) == 1
    assert hall.redeemed(offer_id) == (1, 1)


def test_one_scan_id_for_many_codes_redeems_one(hall: Hall) -> None:
    """A broken till, which gives every scan of several offers the same number."""
    offers = [publish(hall.manager, offer(hall.place_id)) for _ in range(8)]
    [phone] = hall.person()
    codes = [code_of(phone, offer_id) for offer_id in offers]
    scan_id = str(uuid4())

    answers = at_once(hall.scanners(8), lambda till: scan(till, codes.pop(), id=scan_id))

    assert statuses(answers) == {201: 1, 409: 7}
    assert sum(hall.redeemed(offer_id)[0] for offer_id in offers) == 1


def test_the_last_pieces_are_kept_for_as_many_people(hall: Hall) -> None:
    """Fifty ask for a code, seven get one, and all of these are redeemed."""
    offer_id = publish(hall.manager, offer(hall.place_id, stock=7))

    answers = at_once(hall.people(), lambda phone: ask_for_code(phone, offer_id))
    codes = [answer.json()["code"] for answer in answers if answer.status_code == 201]
    kept = hall.waiting(offer_id)
    scanned = at_once(hall.scanners(7), lambda till: scan(till, codes.pop()))

    assert statuses(answers) == {201: 7, 409: CLIENTS - 7}
    assert kept == 7
    assert statuses(scanned) == {201: 7}
    assert hall.redeemed(offer_id) == (7, 7)


def test_the_last_pieces_are_taken_by_as_many_people(hall: Hall) -> None:
    """The same without codes."""
    offer_id = publish(hall.manager, self_service(hall.place_id, stock=7))

    answers = at_once(hall.people(), lambda phone: take(phone, offer_id))

    assert statuses(answers) == {201: 7, 409: CLIENTS - 7}
    assert hall.redeemed(offer_id) == (7, 7)


def test_one_person_takes_no_more_than_they_may_by_all_their_devices(hall: Hall) -> None:
    """Fifty taps on two phones: three pieces."""
    offer_id = publish(hall.manager, self_service(hall.place_id, stock=100, per_person=3))
    phones = hall.person(devices=2)

    answers = at_once(phones * (CLIENTS // 2), lambda phone: take(phone, offer_id))

    assert statuses(answers) == {201: 3, 409: CLIENTS - 3}
    assert hall.redeemed(offer_id) == (3, 3)


def test_one_person_has_one_code_on_all_their_devices(hall: Hall) -> None:
    """Fifty taps on two phones: one code, one piece kept."""
    offer_id = publish(hall.manager, offer(hall.place_id, stock=100, per_person=3))
    phones = hall.person(devices=2)

    answers = at_once(phones * (CLIENTS // 2), lambda phone: ask_for_code(phone, offer_id))

    assert statuses(answers) == {201: 1, 200: CLIENTS - 1}
    assert len({answer.json()["code"] for answer in answers}) == 1
    assert hall.waiting(offer_id) == 1


def test_codes_given_and_scanned_at_once_keep_to_the_stock(hall: Hall) -> None:
    """Whoever asks while others' are scanned counts a piece as kept or redeemed, never neither."""
    offer_id = publish(hall.manager, offer(hall.place_id, stock=20))
    people, tills = hall.people(40), hall.scanners(10)
    codes = [code_of(phone, offer_id) for phone in people[:10]]

    def one(client: Client) -> Response:
        return scan(client, codes.pop()) if client in tills else ask_for_code(client, offer_id)

    answers = at_once([*tills, *people[10:]], one)

    assert statuses(answers[:10]) == {201: 10}
    assert statuses(answers[10:]) == {201: 10, 409: 20}
    assert hall.redeemed(offer_id) == (10, 10)
    assert hall.waiting(offer_id) == 10


def test_without_the_lock_more_is_given_than_there_is(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tests above are worth: each looks, finds some left, and takes one."""
    offer_id = publish(hall.manager, self_service(hall.place_id, stock=7))
    people = hall.people()

    def look(session: Session, offer_id: UUID) -> Any:
        found = session.get_one(Offer, offer_id, populate_existing=True)
        sleep(0.2)
        return found

    monkeypatch.setattr(queries, "hold", look)
    at_once(people, lambda phone: take(phone, offer_id))

    _counted, rows = hall.redeemed(offer_id)
    assert rows > 7


def test_guessing_ends_for_whoever_scans(hall: Hall, settings: Settings) -> None:
    """Each member by themselves, with a word on when to come back."""
    limits = settings.limits.model_copy(update={"redeeming_by_scanner": "3/PT1H"})
    limiter = Limiter(hall.sessions, settings.model_copy(update={"limits": limits}))
    hall.application.state.limiter = limiter
    guesser, other = hall.scanners(2)

    answers = [scan(guesser, f"AAAA-AAA{number}") for number in range(5)]

    assert [answer.status_code for answer in answers] == [422] * 3 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 1
    assert scan(other, "AAAA-AAAA").status_code == 422
