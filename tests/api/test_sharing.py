"""Places shared between organisations, over HTTP."""

from datetime import timedelta
from uuid import UUID

import pytest
from httpx2 import Client
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation, Purpose
from geoservices.campaigns.models import Campaign
from geoservices.codes.models import Code
from geoservices.listings.models import Listing
from geoservices.places.models import Place
from tests.api import asking
from tests.api.conftest import agree, with_token
from tests.factories import (
    make_access_token,
    make_campaign,
    make_code,
    make_listing,
    make_organisation,
    make_place,
)


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """A place of Devon's."""
    place = make_place(session, organisation)
    session.commit()
    return place


@pytest.fixture
def partner(session: Session) -> Organisation:
    """Exeter."""
    partner = make_organisation(session, "exeter")
    session.commit()
    return partner


@pytest.fixture
def guest(anyone: Client, session: Session, partner: Organisation) -> Client:
    """A manager of Exeter's."""
    token = make_access_token(session, partner)
    session.commit()
    return with_token(anyone, token)


def test_a_place_is_nested_in_another(
    manager: Client, guest: Client, session: Session, place: Place, organisation: Organisation
) -> None:
    """Everybody sees of which; a ring and a stranger's place are refused with what to change."""
    centre = make_place(session, organisation, name="Civic Centre")
    session.commit()
    address = f"/v1/places/{place.id}/parent"

    nested = manager.put(address, json={"parent_id": str(centre.id)})
    shown = guest.get(f"/v1/places/{place.id}").json()
    ring = manager.put(f"/v1/places/{centre.id}/parent", json={"parent_id": str(place.id)})
    nowhere = manager.put(address, json={"parent_id": str(UUID(int=1))})
    stranger = guest.put(address, json={"parent_id": None})

    assert nested.json() == {"parent_id": str(centre.id)}
    assert shown["properties"]["parent_id"] == str(centre.id)
    for refused in (ring, nowhere):
        assert refused.status_code == 422
        assert refused.json()["type"] == "/problems/parent-refused"
        assert refused.json()["field"] == "/parent_id"
    assert stranger.status_code == 404
    assert manager.get(f"/v1/places/{place.id}").json() == shown


def shares(place: Place) -> str:
    """Where the place is shared with Exeter."""
    return f"/v1/places/{place.id}/shares/exeter"


def test_a_place_is_shared_and_the_terms_change(
    admin: Client, manager: Client, guest: Client, place: Place
) -> None:
    """The owner's people see with whom, the partner sees that it is; nobody else sees anything."""
    first = admin.put(shares(place), json={})
    again = admin.put(shares(place), json={"statistics": True})
    listed = [client.get(f"/v1/places/{place.id}/shares").json() for client in (manager, guest)]

    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["statistics"], again.json()["statistics"]) == (False, True)
    assert listed == [[again.json()]] * 2


def test_a_partner_runs_its_own_there_and_touches_nothing_of_the_owners(
    admin: Client, guest: Client, session: Session, place: Place
) -> None:
    """Listings, campaigns and codes; each list has one's own alone."""
    theirs = make_listing(session, place)
    campaign, code = make_campaign(session, theirs), make_code(session, place)
    session.commit()
    admin.put(shares(place), json={})

    listing = guest.post("/v1/listings", json=asking.listing(place.id, title="Clinic"))
    drafted = guest.post("/v1/campaigns", json=asking.campaign(listing.json()["id"]))
    published = guest.put(f"/v1/campaigns/{drafted.json()['id']}/publication")
    made = guest.post(f"/v1/places/{place.id}/codes", json=asking.code())
    poster = guest.get(f"/v1/places/{place.id}/codes/{made.json()['id']}/poster.svg")
    refused = [
        guest.get(f"/v1/listings/{theirs.id}"),
        guest.delete(f"/v1/listings/{theirs.id}"),
        guest.post("/v1/campaigns", json=asking.campaign(theirs.id)),
        guest.delete(f"/v1/campaigns/{campaign.id}/publication"),
        guest.delete(f"/v1/places/{place.id}/codes/{code.id}"),
        guest.post("/v1/geofences", json=asking.geofence(place.id)),
        guest.put(f"/v1/places/{place.id}/tags", json={"tags": ["ours"]}),
        guest.get(f"/v1/places/{place.id}/presence"),
    ]

    assert [one.status_code for one in (listing, drafted, published, made, poster)] == [
        201, 201, 200, 201, 200,
    ]  # fmt: skip
    assert [one.status_code for one in refused] == [404] * len(refused)
    for client, own in ((guest, made.json()["id"]), (admin, str(code.id))):
        listed = client.get(f"/v1/places/{place.id}/codes").json()["items"]
        assert [one["id"] for one in listed] == [own]


def test_statistics_are_seen_by_a_partner_who_is_granted_them(
    admin: Client, guest: Client, place: Place
) -> None:
    """And no longer once they are not."""
    told = []
    for statistics in (True, False):
        admin.put(shares(place), json={"statistics": statistics})
        told.append(guest.get(f"/v1/places/{place.id}/presence").status_code)

    assert told == [200, 404]


def test_what_a_partner_runs_ends_with_the_sharing(
    admin: Client, guest: Client, session: Session, place: Place, partner: Organisation
) -> None:
    """At once, and the answer counts it; what it has elsewhere and what the owner has goes on."""
    admin.put(shares(place), json={"statistics": True})
    listing = guest.post("/v1/listings", json=asking.listing(place.id)).json()["id"]
    campaigns = [
        guest.post("/v1/campaigns", json=asking.campaign(listing)).json()["id"] for _ in range(2)
    ]
    guest.put(f"/v1/campaigns/{campaigns[0]}/publication")
    code = guest.post(f"/v1/places/{place.id}/codes", json=asking.code()).json()["id"]
    owners, elsewhere = make_listing(session, place), make_place(session, partner)
    own = make_listing(session, elsewhere)
    session.commit()

    ended = admin.delete(shares(place))
    again = admin.delete(shares(place))

    assert ended.json() == {"listings": 1, "campaigns": 1, "codes": 1}
    assert again.status_code == 404
    session.expire_all()
    assert session.get_one(Listing, UUID(listing)).withdrawn_at is not None
    assert session.get_one(Campaign, UUID(campaigns[0])).ended_at is not None
    assert session.get_one(Code, UUID(code)).revoked_at is not None
    assert (owners.withdrawn_at, own.withdrawn_at) == (None, None)
    after = {
        "see": guest.get(f"/v1/listings/{listing}"),
        "change": guest.put(f"/v1/listings/{listing}", json=asking.listing(place.id)),
        "publish": guest.post("/v1/listings", json=asking.listing(place.id)),
        "speak": guest.put(f"/v1/campaigns/{campaigns[1]}/publication"),
        "code": guest.post(f"/v1/places/{place.id}/codes", json=asking.code()),
        "count": guest.get(f"/v1/places/{place.id}/presence"),
    }
    assert {what: answer.status_code for what, answer in after.items()} == {
        "see": 200, "change": 404, "publish": 404, "speak": 404, "code": 404, "count": 404,
    }  # fmt: skip
    assert admin.put(shares(place), json={}).status_code == 201


def test_who_signed_up_for_a_partners_event_is_told(
    admin: Client, guest: Client, citizen: Client, place: Place
) -> None:
    """Once, and it is no place to go to any more: it is gone from the place, and off in theirs."""
    agree(citizen, Purpose.CHECK_IN_CONTENT)
    admin.put(shares(place), json={})
    begins = (clock.now() + timedelta(days=2)).replace(microsecond=0)
    told = {"kind": "event", "title": "Story time", "length": "PT1H", "sign_up": "open"}
    partners = asking.listing(place.id) | told | {"starts_at": begins.isoformat()}
    event = guest.post("/v1/listings", json=partners).json()["id"]
    owners = admin.post("/v1/listings", json=partners | {"title": "Chess"}).json()["id"]
    for one in (event, owners):
        asked = {"starts_at": begins.isoformat()}
        assert citizen.post(f"/v1/events/{one}/sign-ups", json=asked).status_code == 201

    ended = admin.delete(shares(place))

    assert ended.json()["listings"] == 1
    [word] = citizen.get("/v1/notifications").json()["items"]
    assert word["title"] == "Story time is cancelled"
    assert "The event was withdrawn." in word["body"]
    listed = citizen.get(f"/v1/places/{place.id}/listings").json()
    assert [one["title"] for one in listed] == ["Chess"]
    mine = citizen.get("/v1/me/sign-ups").json()["items"]
    assert {one["title"]: one["cancelled_because"] for one in mine} == {
        "Story time": "The event was withdrawn.",
        "Chess": None,
    }


def test_a_place_is_shared_with_another_organisation_that_exists(
    admin: Client, place: Place
) -> None:
    """Not with itself, and not with nobody."""
    itself = admin.put(f"/v1/places/{place.id}/shares/devon", json={})
    nobody = admin.put(f"/v1/places/{place.id}/shares/nobody", json={})

    assert itself.json()["type"] == "/problems/shared-with-itself"
    assert nobody.status_code == 404


def test_another_organisation_shares_nothing_of_ours(
    admin: Client, anyone: Client, session: Session, place: Place, partner: Organisation
) -> None:
    """Not even a partner passes on what is shared with it."""
    make_organisation(session, "dorset")
    token = make_access_token(session, partner, Role.ADMIN)
    session.commit()
    admin.put(shares(place), json={})

    passed_on = with_token(anyone, token).put(f"/v1/places/{place.id}/shares/dorset", json={})

    assert passed_on.status_code == 404


def test_tags_are_written_in_one_way(manager: Client, place: Place) -> None:
    """In lower case, each once, in order."""
    body = {"tags": ["  Town   Centre", "library", "LIBRARY"]}

    set_ = manager.put(f"/v1/places/{place.id}/tags", json=body).json()

    assert set_ == {"tags": ["library", "town centre"]}
    assert manager.get(f"/v1/places/{place.id}/tags").json() == set_
