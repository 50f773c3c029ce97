"""What a request may see is PostgreSQL's to say: no forgotten filter shows it anything else."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from httpx2 import Client
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.app import NOUNS, UNVERSIONED
from api.dependencies import identify, open_session, open_session_wide
from geoservices.access.rights import Role
from geoservices.accounts.models import Person, Purpose
from geoservices.campaigns import queries as campaigns
from geoservices.campaigns.models import Campaign, Decision
from geoservices.checkins import queries as checkins
from geoservices.checkins.models import CheckIn
from geoservices.codes import queries as codes
from geoservices.codes.models import Code
from geoservices.database import Base, SessionFactory
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import DeliveryState
from geoservices.geofences import queries as geofences
from geoservices.geofences.models import Geofence
from geoservices.listings.models import ListingKind
from geoservices.notifications import queries as notifications
from geoservices.notifications.models import Notification
from geoservices.phones import queries as phones
from geoservices.phones.models import PhoneLink
from geoservices.subscriptions import queries as subscriptions
from geoservices.subscriptions.models import Subscription
from geoservices.visits import queries as visits
from geoservices.visits.models import Visit
from tests.api import asking
from tests.api.conftest import with_token
from tests.api.world import World, make_world
from tests.factories import (
    make_access_token,
    make_campaign,
    make_code,
    make_device,
    make_geofence,
    make_listing,
    make_organisation,
    make_person,
    make_place,
)

WIDE = {
    "take_receipts",
    "confirm_email",
    "unsubscribe_from_email",
    "read_erasure",
    "read_session",
    "log_out_by_provider",
    "read_my_agenda",
}
"""What shows its right by a secret in the body, path or cookies, and finds rows by it."""
UNKNOWN = {"open_link", "read_screen", "receive_osmand", "receive_osmand_query"}
"""What looks up a secret by itself and sees nothing else, or is confined by whose it is."""
PUBLIC = {
    *("list_places", "read_place", "list_what_is_on"),
    *("read_agenda_of_place", "read_linked_data_of_place", "read_agenda_of_event"),
    *("read_offer", "read_event", "list_occurrences"),
    *("read_watching", "read_tile_json", "read_tile", "list_topics"),
}
"""What sees what everyone may see."""
APPS = {"receive_owntracks", "receive_overland"}
"""What is confined to the person whose phone's app it is."""

MEMBERS, DEVICES = ("manager",), ("staff", "citizen")
FORGETFUL = {
    "campaigns": (campaigns, "of_organisation", Campaign, "/v1/campaigns", MEMBERS),
    "geofences": (geofences, "page", Geofence, "/v1/geofences", MEMBERS),
    "codes": (codes, "of_place", Code, "/v1/places/{place_id}/codes", MEMBERS),
    "decisions": (campaigns, "decisions_of_person", Decision, "/v1/decisions", MEMBERS + DEVICES),
    "notifications": (
        *(notifications, "notifications_of", Notification, "/v1/notifications"),
        MEMBERS + DEVICES,
    ),
    "check-ins": (checkins, "check_ins_of", CheckIn, "/v1/check-ins", DEVICES),
    "visits": (visits, "visits_of", Visit, "/v1/visits", DEVICES),
    "subscriptions": (
        *(subscriptions, "subscriptions_of_device", Subscription, "/v1/subscriptions"),
        DEVICES,
    ),
    "phone links": (phones, "links_of", PhoneLink, "/v1/devices/me/phone-links", DEVICES),
}
"""Queries of which each is broken, whose rows they return, the route that asks, and who may."""
ASKED = [(what, caller) for what, (*_, callers) in FORGETFUL.items() for caller in callers]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Tokens of those who live next door, and a place of theirs."""

    tokens: dict[str, str]
    place_id: UUID


@pytest.fixture
def world(session: Session) -> World:
    """Devon with everything, and a citizen of whom there is everything."""
    return make_world(session)


def all_of(model: type[Base]) -> Callable[..., Sequence[Any]]:
    """Make a query that forgets every condition."""

    def query(session: Session, *_: object, **__: object) -> Sequence[Any]:
        return session.scalars(select(model)).all()

    return query


@pytest.fixture
def neighbours(session: Session) -> Neighbours:
    """Tokens of Dorset's manager, of a member's device of theirs, and of a citizen."""
    dorset = make_organisation(session, "dorset")
    place = make_place(session, dorset, name="Poole Library")
    make_geofence(session, place)
    make_campaign(session, make_listing(session, place, kind=ListingKind.TASK), audience=Role.STAFF)
    make_code(session, place)
    made = {
        "manager": make_access_token(session, dorset),
        "staff": make_device(session, make_person(session, organisation=dorset))[1],
        "citizen": make_device(session, make_person(session))[1],
    }
    session.commit()
    return Neighbours(made, place.id)


def ids_in(world: World, text: str) -> set[UUID]:
    """Which of the world's ids a text names, apart from its place's, which is public."""
    return {id_ for name, id_ in world.ids.items() if str(id_) in text and name != "place_id"}


@pytest.mark.parametrize(("what", "caller"), ASKED)
def test_a_forgotten_filter_leaks_nothing(
    anyone: Client,
    application: FastAPI,
    sessions: SessionFactory,
    world: World,
    neighbours: Neighbours,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    caller: str,
) -> None:
    """A query without a condition finds the caller's rows; without policies it would find all."""
    module, name, model, path, _callers = FORGETFUL[what]
    monkeypatch.setattr(module, name, all_of(model))
    client = with_token(anyone, neighbours.tokens[caller])
    address = path.format(place_id=neighbours.place_id)

    told = client.get(address)
    application.state.sessions = sessions
    without_policies = client.get(address)

    assert told.status_code == 200
    assert ids_in(world, told.text) == set()
    assert ids_in(world, without_policies.text)


def test_the_wrong_organisations_things_are_not_changed(
    anyone: Client,
    session: Session,
    world: World,
    neighbours: Neighbours,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A check of whose a geofence is that nobody makes any more is made by PostgreSQL."""

    def owned(session: Session, geofence_id: UUID, *_: object, **__: object) -> Geofence | None:
        return session.get(Geofence, geofence_id)

    monkeypatch.setattr(geofences, "owned", owned)
    manager = with_token(anyone, neighbours.tokens["manager"])

    answer = manager.delete(f"/v1/geofences/{world.ids['geofence_id']}")

    assert answer.status_code == 404
    session.expire_all()
    assert session.get_one(Geofence, world.ids["geofence_id"]).deleted_at is None


def test_what_others_took_an_id_for_is_not_told(
    anyone: Client, world: World, neighbours: Neighbours, session: Session
) -> None:
    """An id of another organisation's task is taken, and that is all there is to know."""
    place = make_place(session, world.organisation)
    task = make_listing(session, place, kind=ListingKind.TASK, title="Boiler")
    session.commit()
    manager = with_token(anyone, neighbours.tokens["manager"])
    answer = manager.post("/v1/listings", json=asking.listing(neighbours.place_id, id=str(task.id)))

    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/id-taken")
    assert "Boiler" not in answer.text


def test_a_withdrawal_reaches_what_an_organisation_was_about_to_send(
    anyone: Client, session: Session, world: World
) -> None:
    """Citizens belong to nobody, and whatever had to do with them is theirs to erase."""
    delivery = session.get_one(Delivery, world.ids["delivery_id"])
    delivery.state = DeliveryState.QUEUED
    session.commit()

    with_token(anyone, world.token).delete(f"/v1/consents/{Purpose.CHECK_IN_CONTENT}")

    session.expunge_all()
    assert session.scalars(select(Delivery.id)).all() == []


def test_who_made_a_device_is_a_person_of_nobodys(anyone: Client, session: Session) -> None:
    """Whoever comes without a token is made a person, and sees that one."""
    made = anyone.post("/v1/devices", json={})

    mine = with_token(anyone, made.json()["token"]).get("/v1/devices/me")
    assert (made.status_code, mine.status_code) == (201, 200)
    assert session.scalars(select(Person.organisation_id)).all() == [None]


def calls_of(dependant: Dependant) -> Iterator[Callable[..., object]]:
    """Whatever a route depends on, however indirectly."""
    for inner in dependant.dependencies:
        if inner.call is not None:
            yield inner.call
        yield from calls_of(inner)


def test_only_a_few_routes_see_everything() -> None:
    """Each asks for it by name; every other one knows its caller, or sees nothing of anyone's."""
    asked = {
        route.name: set(calls_of(route.dependant))
        for router in [*(noun.router for noun in NOUNS), *UNVERSIONED]
        for route in router.routes
        if isinstance(route, APIRoute)
    }

    assert {name for name, calls in asked.items() if open_session_wide in calls} == WIDE
    assert {
        name
        for name, calls in asked.items()
        if open_session in calls and not calls & {open_session_wide, identify}
    } - {"register_device"} == UNKNOWN | APPS | PUBLIC


def test_a_map_shows_ones_own_geofences(
    anyone: Client, world: World, neighbours: Neighbours
) -> None:
    """The spatial index is read for everyone; what it finds is then read as the caller."""
    manager = with_token(anyone, neighbours.tokens["manager"])

    shown = manager.get("/v1/geofences", params={"bbox": "-4,50,-3,51"})

    assert len(shown.json()["features"]) == 1
    assert ids_in(world, shown.text) == set()
