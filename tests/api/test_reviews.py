"""Campaigns before they are published: checked, looked at, and sent to oneself."""

from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Client
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation, Person, Purpose
from geoservices.campaigns.rules import Trigger
from geoservices.listings.models import Listing
from geoservices.places.models import Place
from geoservices.visits.models import Transition, Visit
from geoservices.visits.transitions import Reason
from tests.api.asking import campaign, now, saying, subscription
from tests.api.conftest import with_token
from tests.counting import make_visit
from tests.factories import (
    make_access_token,
    make_device,
    make_geofence,
    make_listing,
    make_person,
    make_place,
)

EAGER: dict[str, Any] = {"triggers": ["entered"], "purpose": "nearby", "cooldown": "PT5M"}


@pytest.fixture
def listing(session: Session, organisation: Organisation) -> Listing:
    """Story time at Exeter Library."""
    listing = make_listing(session, make_place(session, organisation), title="Story time")
    session.commit()
    return listing


def drafted(manager: Client, listing: Listing, **changes: Any) -> str:
    """The address of a draft."""
    made = manager.post("/v1/campaigns", json=campaign(listing.id, **changes))
    assert made.status_code == 201, made.text
    return made.headers["location"]


def check(manager: Client, address: str) -> dict[str, Any]:
    """What a check finds."""
    told: dict[str, Any] = manager.post(f"{address}/check").json()
    return told


def codes(told: dict[str, Any], weight: str = "refused") -> list[str]:
    """What was found."""
    return [one["code"] for one in told["findings"] if one["weight"] == weight]


def test_nothing_speaks_against_a_campaign_that_is_well_made(
    manager: Client, listing: Listing
) -> None:
    """And nobody has been there."""
    told = check(manager, drafted(manager, listing))

    assert told == {
        "may_be_published": True,
        "findings": [],
        "estimate": {
            "messages_a_day": None,
            "people": None,
            "in_words": "Fewer than 10 messages a day.",
        },
    }


def test_all_that_speaks_against_it_is_told_at_once(manager: Client, listing: Listing) -> None:
    """Nothing is where the tag is, it ended last year, and it would tell people all the time."""
    address = drafted(
        manager,
        listing,
        **EAGER,
        places={"tags": ["nowhere"]},
        schedule={"ends_at": "2025-01-01T00:00:00Z"},
    )

    told = check(manager, address)
    refused = manager.put(f"{address}/publication")

    assert codes(told) == ["place-set-empty", "schedule-never-on", "tells-too-often"]
    assert [one["field"] for one in told["findings"]] == ["/places", "/schedule", "/cooldown"]
    assert not told["may_be_published"]
    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/place-set-empty"
    assert manager.get(address).json()["state"] == "draft"


def test_what_was_right_when_it_was_stored_may_be_wrong_by_now(
    manager: Client, session: Session, listing: Listing
) -> None:
    """The listing got a longer title, and the place a longer name."""
    address = drafted(manager, listing, content=saying("{listing} at {place}"))
    session.refresh(listing)
    listing.title = "Story time " * 10
    session.commit()

    told = check(manager, address)

    assert codes(told) == ["text-too-long"]
    assert told["findings"][0]["field"] == "/content/0/texts/en-GB/title"


def test_an_hour_that_is_skipped_and_an_end_that_is_missing_are_warned_of(
    manager: Client, listing: Listing
) -> None:
    """It may be published all the same."""
    sunday = {"days": ["sunday"], "from": "01:15", "until": "01:45"}
    address = drafted(
        manager,
        listing,
        content=saying("Until {ends}"),
        schedule={"windows": [sunday], "time_zone": "Europe/London"},
    )

    told = check(manager, address)

    assert codes(told, "warning") == ["window-in-skipped-hour", "listing-without-end"]
    assert "sunday 01:15 to 01:45" in told["findings"][0]["in_words"]
    assert told["may_be_published"]
    assert manager.put(f"{address}/publication").status_code == 200


def come(
    session: Session, listing: Listing, people: int, *, times: int, agreed: bool = True
) -> None:
    """Have so many people come to the listing's place so often in the last day."""
    geofence = make_geofence(session, session.get_one(Place, listing.place_id))
    for _ in range(people):
        person = make_person(session, Purpose.NEARBY, *[Purpose.STATISTICS] * agreed)
        device, _ = make_device(session, person)
        for hour in range(times):
            visit = make_visit(session, geofence, device.id, now() - timedelta(hours=hour + 1))
            session.add(_entered(visit))
    session.commit()


def _entered(visit: Visit) -> Transition:
    return Transition(
        visit_id=visit.id,
        device_id=visit.device_id,
        geofence_id=visit.geofence_id,
        place_id=visit.place_id,
        organisation_id=visit.organisation_id,
        kind=Trigger.ENTERED,
        reason=Reason.CLEARLY_INSIDE,
        confidence=3,
        initial=False,
        occurred_at=visit.entered_at,
        detected_at=visit.entered_at,
    )


def test_an_eager_campaign_is_refused_with_what_it_would_have_sent(
    manager: Client, session: Session, listing: Listing
) -> None:
    """By those who agreed to be counted, and the problem says what to change."""
    come(session, listing, people=14, times=20)
    come(session, listing, people=30, times=1, agreed=False)
    address = drafted(manager, listing, **EAGER)

    refused = manager.put(f"{address}/publication")
    told = check(manager, address)
    mended = manager.put(address, json=campaign(listing.id, **{**EAGER, "cooldown": "PT1H"}))

    assert refused.json()["type"] == "/problems/tells-too-often"
    assert "about 40 messages a day. Set a cooldown of an hour or more" in refused.json()["detail"]
    assert told["estimate"] == {
        "messages_a_day": 40,
        "people": 10,
        "in_words": "About 40 messages a day.",
    }
    assert mended.status_code == 200
    assert manager.put(f"{address}/publication").status_code == 200


def test_a_live_campaign_does_not_become_eager(manager: Client, listing: Listing) -> None:
    """What may not be published may not be said later either."""
    body = {"triggers": ["entered"], "purpose": "nearby"}
    address = drafted(manager, listing, **body)
    manager.put(f"{address}/publication")

    answer = manager.put(address, json=campaign(listing.id, **EAGER))

    assert answer.json()["type"] == "/problems/tells-too-often"
    assert manager.get(address).json()["version"] == 1


def test_each_variant_is_shown_as_it_would_be_sent(manager: Client, listing: Listing) -> None:
    """In the language that fits best, at the place that is asked for."""
    texts = {
        "en-GB": {"title": "{listing}", "body": "At {place}."},
        "cy": {"title": "{listing}", "body": "Yn {place}."},
    }
    content = [{"name": name, "texts": texts} for name in ("a", "b")]
    address = drafted(manager, listing, content=content)

    english = manager.get(f"{address}/preview").json()
    welsh = manager.get(f"{address}/preview?language=cy-GB&place_id={listing.place_id}").json()
    unknown = manager.get(f"{address}/preview?language=klingon")

    assert english == [
        {
            "variant": name,
            "weight": 1,
            "language": "en-GB",
            "title": "Story time",
            "body": "At Exeter Library.",
        }
        for name in ("a", "b")
    ]
    assert {one["body"] for one in welsh} == {"Yn Exeter Library."}
    assert unknown.json()["type"] == "/problems/language-refused"


def test_a_test_goes_to_ones_own_browsers_alone(
    anyone: Client, session: Session, organisation: Organisation, listing: Listing
) -> None:
    """By the ordinary way, and it lies in the inbox too."""
    signed_in = make_access_token(session, organisation, Role.MANAGER)
    session.flush()
    person = session.scalars(select(Person).where(Person.role == Role.MANAGER)).one()
    _, token = make_device(session, person)
    session.commit()
    manager, phone = with_token(anyone, signed_in), with_token(anyone, token)
    agreed = phone.get("/v1/consents").json()
    version = next(one for one in agreed if one["purpose"] == "staff-tasks")["text_version"]
    phone.put("/v1/consents/staff-tasks", json={"text_version": version})
    key = phone.get("/v1/push/key").json()["application_server_key"]
    assert phone.post("/v1/subscriptions", json=subscription(key)).status_code == 201
    address = drafted(manager, listing, content=saying("{listing}", "At {place}."))

    sent = manager.post(f"{address}/test")
    again = manager.post(f"{address}/test")
    missing = manager.post(f"{address}/test?variant=z")

    [told] = phone.get("/v1/notifications").json()["items"]
    assert (sent.status_code, again.status_code, missing.status_code) == (202, 429, 404)
    assert told["id"] == sent.json()["notification_id"]
    assert (told["kind"], told["title"]) == ("test", "Story time")
    assert told["body"] == "At Exeter Library."
    assert len(phone.get(f"/v1/notifications/{told['id']}").json()["deliveries"]) == 1
