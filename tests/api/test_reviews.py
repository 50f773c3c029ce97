"""Campaigns before they are published: checked, looked at, and sent to oneself."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx2 import Client
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation, Person, Purpose
from geoservices.campaigns.rules import Trigger
from geoservices.listings.models import Listing
from geoservices.places.models import Place
from tests.api.asking import campaign, now, saying, subscription
from tests.api.conftest import with_token
from tests.counting import make_transition, make_visit
from tests.factories import (
    NOON,
    make_access_token,
    make_device,
    make_geofence,
    make_listing,
    make_person,
    make_place,
)
from tests.tasking import make_team

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
            "runs": None,
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
            make_transition(session, visit, Trigger.ENTERED, at=visit.entered_at)
    session.commit()


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
    assert "About 40 messages a day. Set a cooldown of an hour or more" in refused.json()["detail"]
    assert told["estimate"] == {
        "messages_a_day": 40,
        "people": 10,
        "runs": None,
        "in_words": "About 40 messages a day.",
    }
    assert mended.status_code == 200
    assert manager.put(f"{address}/publication").status_code == 200


HOURLY = f"FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))};COUNT=400"


@pytest.mark.parametrize(
    ("rule", "a_week", "a_day"),
    [(HOURLY, 168, 335), ("FREQ=DAILY;COUNT=30", 7, 10)],
    ids=["hourly", "daily"],
)
def test_a_timetable_is_in_the_estimate(
    manager: Client, session: Session, listing: Listing, rule: str, a_week: int, a_day: int
) -> None:
    """What its first week comes to; what would tell everybody hourly or more is refused with it."""
    for _ in range(14):
        make_person(session, Purpose.NEARBY)
    session.commit()
    address = drafted(
        manager,
        listing,
        triggers=["schedule"],
        purpose="nearby",
        cooldown="PT0S",
        timetable={"starts_at": "2100-01-01T09:15:00Z", "rule": rule},
    )

    told = check(manager, address)
    refused = manager.put(f"{address}/publication")

    assert told["estimate"]["runs"] == {
        "people": 10,
        "in_a_week": a_week,
        "messages_a_day": a_day,
    }
    assert told["may_be_published"] == (a_week == 7)
    if a_week > 7:
        assert refused.json()["type"] == "/problems/tells-too-often"
        assert (
            "Each run would tell about 10 people; its timetable has 168 runs in its first week, "
            "which come to about 335 messages a day. Set fewer runs, a cooldown of more than"
        ) in refused.json()["detail"]


ONCE_A_MONTH = f"FREQ=MONTHLY;BYHOUR={','.join(map(str, range(24)))};COUNT=400"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"triggers": ["schedule", "now"]}, id="by hand besides"),
        pytest.param({"triggers": ["schedule", "entered"]}, id="and whoever comes by"),
        pytest.param(
            {"timetable": {"starts_at": "2100-01-01T23:15:00Z", "rule": ONCE_A_MONTH}},
            id="hourly on one day a month",
        ),
        pytest.param(
            {
                "audience": {"roles": ["staff", "manager"]},
                "purpose": "staff-tasks",
                "campaign_class": "critical",
            },
            id="everyone on staff",
        ),
    ],
)
def test_nobody_is_told_hourly_by_a_timetable(
    manager: Client, listing: Listing, changes: dict[str, Any]
) -> None:
    """Whatever else sets it off, whenever its hours come, and whoever they are."""
    hourly = {"starts_at": "2100-01-01T09:15:00Z", "rule": HOURLY}
    common = {"triggers": ["schedule"], "purpose": "nearby", "cooldown": "PT1H"}
    address = drafted(manager, listing, **{**common, "timetable": hourly, **changes})

    told = manager.put(f"{address}/publication").json()

    assert told["type"] == "/problems/tells-too-often"
    assert "every 60 minutes. By what people did" in told["detail"]
    assert "Each run would tell fewer than 10 people" in told["detail"]
    assert "Set fewer runs, a cooldown of more than an hour" in told["detail"]


def test_a_team_may_be_told_of_its_rounds_and_the_check_says_how_often(
    manager: Client, session: Session, listing: Listing, organisation: Organisation
) -> None:
    """Whoever looks after a pool does so every hour."""
    team = make_team(session, organisation)
    session.commit()
    address = drafted(
        manager,
        listing,
        triggers=["schedule"],
        audience={"roles": ["staff"], "team_ids": [str(team.id)]},
        purpose="staff-tasks",
        cooldown="PT0S",
        timetable={"starts_at": "2100-01-01T09:15:00Z", "rule": HOURLY},
    )

    told = check(manager, address)

    assert codes(told, "warning") == ["tells-staff-hourly"]
    assert "every 60 minutes" in told["findings"][0]["in_words"]
    assert manager.put(f"{address}/publication").status_code == 200


BY_HAND = {"triggers": ["now"], "purpose": "nearby"}
TUESDAYS = {
    "window_starts_at": datetime(2026, 3, 3, 10, tzinfo=UTC),
    "window_length": timedelta(hours=1),
    "window_rule": "FREQ=WEEKLY;BYDAY=TU",
}
MONDAYS = {"windows": [{"days": ["monday"], "from": "09:00", "until": "12:00"}]}


@pytest.mark.parametrize(
    ("listed", "changes", "code", "pointer"),
    [
        pytest.param(
            {"withdrawn_at": NOON}, {}, "listing-over", "/listing_id", id="it was withdrawn"
        ),
        pytest.param({"ends_at": NOON}, BY_HAND, "listing-over", "/listing_id", id="it is over"),
        pytest.param(
            {"stock": 3, "redeemed_count": 3},
            {},
            "listing-over",
            "/listing_id",
            id="nothing is left",
        ),
        pytest.param(
            {"ends_at": datetime(2099, 12, 31, tzinfo=UTC)},
            {"schedule": {"starts_at": "2100-01-01T00:00:00Z"}},
            "listing-over",
            "/schedule/starts_at",
            id="it is over by then",
        ),
        pytest.param(
            {"starts_at": datetime(2100, 2, 1, tzinfo=UTC)},
            {"schedule": {"ends_at": "2100-01-01T00:00:00Z"}},
            "listing-never-on",
            "/schedule",
            id="it begins too late",
        ),
        pytest.param(
            TUESDAYS,
            {"schedule": MONDAYS},
            "listing-never-on",
            "/schedule",
            id="on other days",
        ),
        pytest.param(
            {**TUESDAYS, "window_rule": "FREQ=WEEKLY;BYDAY=TU,MO"},
            {"schedule": MONDAYS},
            None,
            None,
            id="on one of their days",
        ),
        pytest.param(
            TUESDAYS,
            {"schedule": MONDAYS, **BY_HAND},
            None,
            None,
            id="a run speaks of what is to come",
        ),
        pytest.param(
            {"starts_at": datetime(2100, 2, 1, tzinfo=UTC)}, {}, None, None, id="in many years"
        ),
    ],
)
def test_what_nobody_could_have_is_not_spoken_of(
    manager: Client,
    session: Session,
    listing: Listing,
    listed: dict[str, Any],
    changes: dict[str, Any],
    code: str | None,
    pointer: str | None,
) -> None:
    """The listing is over, or on when the campaign is silent; the check says what to change."""
    address = drafted(manager, listing, **changes)
    session.refresh(listing)
    for name, value in listed.items():
        setattr(listing, name, value)
    session.commit()

    told = check(manager, address)
    answer = manager.put(f"{address}/publication")

    assert codes(told) == ([code] if code else [])
    assert answer.status_code == (422 if code else 200), answer.text
    if code:
        assert (answer.json()["type"], answer.json()["field"]) == (f"/problems/{code}", pointer)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        pytest.param({"cooldown": "PT0S"}, "again and again", id="no cooldown at all"),
        pytest.param(
            {"cooldown": "PT2H", "cooldown_per": "place"}, "every 40 minutes", id="at each of three"
        ),
        pytest.param(
            {"cooldown": "PT2H", "cooldown_per": "parent-place"}, None, id="two of one centre"
        ),
        pytest.param({"cooldown": "PT2H"}, None, id="at one of three"),
        pytest.param(
            {
                "cooldown": "PT0S",
                "cooldown_per": "place",
                "cap": {"messages": 3, "within": "P1D"},
            },
            None,
            id="as often as a cap allows",
        ),
    ],
)
def test_passers_by_go_from_place_to_place(
    manager: Client,
    session: Session,
    listing: Listing,
    organisation: Organisation,
    changes: dict[str, Any],
    refused: str | None,
) -> None:
    """A cooldown per place begins anew at each; what that comes to is told with the estimate."""
    centre, library, pool = (make_place(session, organisation, name=name) for name in "abc")
    library.parent_id = centre.id
    session.commit()
    chosen = {"ids": [str(one.id) for one in (centre, library, pool)]}
    address = drafted(manager, listing, **{**EAGER, "places": chosen, **changes})

    answer = manager.put(f"{address}/publication")

    assert answer.status_code == (422 if refused else 200), answer.text
    if refused:
        assert answer.json()["type"] == "/problems/tells-too-often"
        assert refused in answer.json()["detail"]
        assert "messages a day" in answer.json()["detail"]


def test_a_campaign_of_an_hour_that_clocks_skip_is_refused(
    manager: Client, listing: Listing
) -> None:
    """Its only window does not come on its only day; where that hour comes twice, it does."""
    sunday = {"days": ["sunday"], "from": "01:15", "until": "01:45"}
    spring = {"starts_at": "2100-03-28T00:00:00Z", "ends_at": "2100-03-28T12:00:00Z"}
    autumn = {"starts_at": "2100-10-31T00:00:00Z", "ends_at": "2100-10-31T12:00:00Z"}
    common = {"windows": [sunday], "time_zone": "Europe/London"}

    answers = {
        name: manager.put(f"{drafted(manager, listing, schedule={**common, **day})}/publication")
        for name, day in {"spring": spring, "autumn": autumn}.items()
    }

    assert answers["autumn"].status_code == 200
    assert answers["spring"].json()["type"] == "/problems/schedule-never-on"
    assert (
        "no weekly window lies between its beginning and its end"
        in (answers["spring"].json()["detail"])
    )


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        pytest.param(
            {"schedule": {"time_zone": "Mars/Olympus"}},
            "schedule-refused",
            "/schedule/time_zone",
            id="a zone that no clock knows",
        ),
        pytest.param(
            {"schedule": {"starts_at": "2100-01-02T00:00:00Z", "ends_at": "2100-01-01T00:00:00Z"}},
            "schedule-refused",
            "/schedule/ends_at",
            id="an end before the beginning",
        ),
        pytest.param(
            {"audience": {"roles": ["citizen"], "team_ids": [str(UUID(int=1))]}},
            "audience-contradictory",
            "/audience/team_ids",
            id="citizens of a team",
        ),
        pytest.param(
            {"campaign_class": "critical"},
            "critical-for-citizens",
            "/campaign_class",
            id="half-price tea at three in the night",
        ),
        pytest.param(
            {"places": {"ids": [str(UUID(int=1))]}},
            "place-set-refused",
            "/places/ids/0",
            id="a place that is gone",
        ),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_said(
    manager: Client, listing: Listing, changes: dict[str, Any], code: str, pointer: str
) -> None:
    """With what to change, and nothing is stored."""
    answer = manager.post("/v1/campaigns", json=campaign(listing.id, **changes))

    assert answer.status_code == 422
    assert answer.json()["type"] == f"/problems/{code}"
    assert answer.json()["field"] == pointer
    assert manager.get("/v1/campaigns").json()["items"] == []


def test_a_place_that_goes_after_the_draft_keeps_it_from_being_published(
    manager: Client, session: Session, listing: Listing, organisation: Organisation
) -> None:
    """The check says which of the places it was."""
    gone = make_place(session, organisation, name="Gone")
    session.commit()
    chosen = {"ids": [str(listing.place_id), str(gone.id)]}
    address = drafted(manager, listing, places=chosen)
    session.delete(gone)
    session.commit()

    told = check(manager, address)
    answer = manager.put(f"{address}/publication")

    assert [one["field"] for one in told["findings"]] == ["/places/ids/1"]
    assert answer.json()["type"] == "/problems/place-set-refused"


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
    screens = [one.pop("on_screens") for one in english]
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
    shown = {"title": "Story time", "body": "At Exeter Library."}
    devices = ("android", "iphone", "windows", "macos")
    assert screens == [[{"device": one, **shown} for one in devices]] * 2
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
