"""Managers and keys limited to some places, by tag or by area."""

from typing import Any
from uuid import UUID

import pytest
from httpx2 import Client
from sqlalchemy.orm import Session

from geoservices.access.actors import Actor
from geoservices.access.reach import Reach, reach_of, read_reach
from geoservices.access.rights import Right
from geoservices.accounts.models import Organisation
from geoservices.places import access_queries
from geoservices.places.models import Place
from tests.api import asking
from tests.api.conftest import with_token
from tests.factories import (
    EXETER,
    make_api_key,
    make_campaign,
    make_code,
    make_geofence,
    make_listing,
    make_manager,
    make_organisation,
    make_place,
    share_place,
)

AREA = {"type": "Polygon", "coordinates": [asking.SQUARE]}
FURTHER_EAST = [[lon + 1, lat] for lon, lat in asking.SQUARE]
REACHES: dict[str, dict[str, Any]] = {
    "by tag": {"tags": ["central", "other"], "area": None},
    "by area": {"tags": [], "area": AREA},
    "by either": {"tags": ["central"], "area": AREA},
}


class Two:
    """A place within reach and one without, each with one of everything."""

    def __init__(self, session: Session, organisation: Organisation) -> None:
        self.near = make_place(session, organisation, name="Near")
        self.near.tags = ["central"]
        self.far = make_place(session, organisation, name="Far", at=(-3.6, 50.8))
        self.far.tags = ["coast"]
        self.things = {place.id: self._things(session, place) for place in (self.near, self.far)}
        session.commit()

    @staticmethod
    def _things(session: Session, place: Place) -> dict[str, str]:
        listing = make_listing(session, place)
        return {
            "listings": str(listing.id),
            "campaigns": str(make_campaign(session, listing).id),
            "geofences": str(make_geofence(session, place).id),
            "codes": str(make_code(session, place).id),
        }


@pytest.fixture
def two(session: Session, organisation: Organisation) -> Two:
    """Both."""
    return Two(session, organisation)


@pytest.fixture(params=["by tag", "by area", "by either", "a key by tag", "a key by area"])
def limited(
    request: pytest.FixtureRequest, anyone: Client, session: Session, organisation: Organisation
) -> Client:
    """A manager, or a machine that may do as much."""
    reach = REACHES[request.param.removeprefix("a key ")]
    if request.param.startswith("a key"):
        scopes = {right for right in Right if right not in {Right.MEMBERS_WRITE, Right.KEYS_WRITE}}
        key, token = make_api_key(session, organisation, scopes)
        key.reach = reach
    else:
        token = make_manager(session, organisation, reach=reach)
    session.commit()
    return with_token(anyone, token)


def test_lists_have_what_is_within_reach(limited: Client, two: Two) -> None:
    """Whatever place is asked for."""
    near, far = two.things[two.near.id], two.things[two.far.id]
    for noun in ("listings", "campaigns", "geofences"):
        listed = limited.get(f"/v1/{noun}").json()
        ids = [one["id"] for one in listed.get("items", listed.get("features"))]
        asked = limited.get(f"/v1/{noun}", params={"place_id": str(two.far.id)}).text
        assert ids == [near[noun]]
        assert far[noun] not in asked


def test_what_is_out_of_reach_looks_like_what_is_not_there(limited: Client, two: Two) -> None:
    """By every way to a place and to what is at it; within reach the same ways lead on."""
    for place, found in ((two.near, True), (two.far, False)):
        ids = two.things[place.id]
        span = {"from": "2026-03-04T10:00:00Z", "until": "2026-03-04T14:00:00Z"}
        at = f"/v1/places/{place.id}"
        answers = [
            limited.get(f"/v1/listings/{ids['listings']}"),
            limited.put(f"/v1/listings/{ids['listings']}", json=asking.listing(place.id)),
            limited.post("/v1/listings", json=asking.listing(place.id)),
            limited.get(f"/v1/campaigns/{ids['campaigns']}"),
            limited.get(f"/v1/campaigns/{ids['campaigns']}/outcome"),
            limited.put(f"/v1/campaigns/{ids['campaigns']}/publication"),
            limited.post("/v1/campaigns", json=asking.campaign(UUID(ids["listings"]))),
            limited.get(f"/v1/geofences/{ids['geofences']}"),
            limited.put(f"/v1/geofences/{ids['geofences']}", json=asking.geofence(place.id)),
            limited.post("/v1/geofences", json=asking.geofence(place.id)),
            limited.get(f"{at}/codes"),
            limited.get(f"{at}/codes/{ids['codes']}"),
            limited.get(f"{at}/codes/{ids['codes']}/poster.svg"),
            limited.post(f"{at}/codes", json=asking.code()),
            limited.get(f"{at}/presence"),
            limited.get(f"{at}/footfall", params=span),
            limited.get(f"{at}/tags"),
            limited.put(f"{at}/tags", json={"tags": ["central"]}),
            limited.get(f"{at}/shares"),
            limited.delete(f"{at}/codes/{ids['codes']}"),
            limited.delete(f"/v1/campaigns/{ids['campaigns']}/publication"),
            limited.delete(f"/v1/listings/{ids['listings']}"),
            limited.delete(f"/v1/geofences/{ids['geofences']}"),
        ]
        told = [answer.status_code for answer in answers]
        assert set(told) <= ({200, 201, 204} if found else {404}), told


def test_nothing_is_moved_out_of_reach(limited: Client, two: Two) -> None:
    """Nor in: what is out there is not theirs to move."""
    near, far = two.things[two.near.id], two.things[two.far.id]

    out = [
        limited.put(f"/v1/listings/{near['listings']}", json=asking.listing(two.far.id)),
        limited.put(f"/v1/geofences/{near['geofences']}", json=asking.geofence(two.far.id)),
    ]
    into = [
        limited.put(f"/v1/listings/{far['listings']}", json=asking.listing(two.near.id)),
        limited.put(f"/v1/geofences/{far['geofences']}", json=asking.geofence(two.near.id)),
    ]

    assert [answer.status_code for answer in out + into] == [404] * 4


def test_a_partners_tag_does_not_widen_a_reach(
    session: Session, anyone: Client, organisation: Organisation
) -> None:
    """The owner's words are the owner's; an area counts at shared places too."""
    place = make_place(session, make_organisation(session, "dorset"))
    place.tags = ["central"]
    share_place(session, place, organisation)
    by_tag, by_area = (
        make_manager(session, organisation, reach=REACHES[way]) for way in ("by tag", "by area")
    )
    session.commit()

    told = [
        with_token(anyone, token).post("/v1/listings", json=asking.listing(place.id)).status_code
        for token in (by_tag, by_area)
    ]

    assert told == [404, 201]


@pytest.mark.parametrize(
    ("reach", "reached"),
    [
        (None, True),
        (read_reach(["central"], None), True),
        (read_reach(["Central"], None), False),
        (read_reach(["centr", "cent%"], None), False),
        (read_reach([], AREA), True),
        (read_reach([], {"type": "MultiPolygon", "coordinates": [[asking.SQUARE]]}), True),
        (
            read_reach([], {"type": "Polygon", "coordinates": [FURTHER_EAST]}),
            False,
        ),
        (Reach(), False),
    ],
)
def test_a_place_is_reached_by_tag_or_area(
    session: Session, organisation: Organisation, reach: Reach | None, *, reached: bool
) -> None:
    """The one condition; a reach is the same after it was stored."""
    place = make_place(session, organisation, at=EXETER)
    place.tags = ["central", "library"]
    session.flush()
    again = reach if reach is None else reach_of(reach.stored())
    for limit in (reach, again):
        actor = Actor(
            rights=frozenset({Right.PLACES_WRITE}), reach=limit, organisation_id=organisation.id
        )
        grant = actor.granted(Right.PLACES_WRITE)
        assert access_queries.is_reached(session, place.id, grant) is reached
        assert (access_queries.place_for(session, place.id, grant) is not None) is reached
