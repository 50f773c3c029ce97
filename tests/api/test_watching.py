"""The public register of what is watched at a place."""

from httpx2 import Client
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation
from geoservices.campaigns.rules import Trigger
from tests.factories import (
    NOON,
    make_campaign,
    make_geofence,
    make_listing,
    make_place,
)


def test_everyone_may_see_what_is_watched_and_what_for(
    anyone: Client, session: Session, organisation: Organisation
) -> None:
    """Whoever does it, with what they notice; neither check-ins nor what is for staff alone."""
    place = make_place(session, organisation)
    geofence = make_geofence(session, place, margin_m=15)
    make_geofence(session, place).disabled_at = NOON
    listing = make_listing(session, place)
    make_campaign(session, listing, triggers=(Trigger.ENTERED, Trigger.CHECKED_IN))
    make_campaign(session, listing, triggers=(Trigger.DWELLED,))
    make_campaign(session, listing, triggers=(Trigger.CHECKED_IN,))
    make_campaign(session, listing, triggers=(Trigger.EXITED,), audience=Role.STAFF)
    session.commit()

    told = anyone.get(f"/v1/places/{place.id}/watching").json()

    assert told["organisation"] == organisation.name
    assert [area["margin_m"] for area in told["areas"]] == [geofence.margin_m]
    assert told["areas"][0]["geometry"]["type"] == "Polygon"
    (use,) = told["uses"]
    assert use == {
        "organisation": organisation.name,
        "purpose": "nearby",
        "noticed": ["entered", "dwelled"],
        "campaigns": 2,
    }
    assert (told["positions_kept"], told["visits_kept"]) == ("P1D", "P30D")


def test_nothing_is_watched_at_a_sensitive_place(
    anyone: Client, session: Session, organisation: Organisation
) -> None:
    """And the register says so, whatever areas and campaigns there are."""
    place = make_place(session, organisation)
    make_geofence(session, place)
    make_campaign(session, make_listing(session, place))
    place.sensitive_kind, place.sensitive_at = "clinic", NOON
    session.commit()

    told = anyone.get(f"/v1/places/{place.id}/watching").json()

    assert (told["sensitive"], told["areas"], told["uses"]) == (True, [], [])


def test_a_place_that_is_none_is_not_found(anyone: Client) -> None:
    """As everywhere."""
    nowhere = "00000000-0000-4000-8000-000000000000"

    assert anyone.get(f"/v1/places/{nowhere}/watching").status_code == 404
