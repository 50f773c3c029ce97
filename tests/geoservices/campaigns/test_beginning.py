"""Runs that begin by themselves: when something is published, and when the clock says so."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from geoservices.access.rights import Right, Role
from geoservices.accounts.models import Purpose
from geoservices.campaigns import beginning, run_queries, service
from geoservices.campaigns.addressing import TaskNotForCitizens
from geoservices.campaigns.beginning import MOST_A_DAY
from geoservices.campaigns.definitions import (
    Audience,
    Definition,
    PlaceSet,
    Schedule,
    Text,
    Timetable,
    Variant,
)
from geoservices.campaigns.drafts import CampaignDraft
from geoservices.campaigns.models import Campaign, CampaignVersion
from geoservices.campaigns.rules import CampaignClass, Trigger
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.campaigns.triggering import PlacesMissing, TimetableRefused
from geoservices.campaigns.wording import PlaceholderEmpty
from geoservices.errors import GeoservicesError
from geoservices.listings.models import ListingKind
from geoservices.tasks.models import Task
from tests.campaigning import World
from tests.factories import (
    NOON,
    make_listing,
    make_organisation,
    make_place,
    may,
    share_place,
)
from tests.walking import SETTINGS

CITIZENS = Audience(roles=(Role.CITIZEN,))
STAFF = Audience(roles=(Role.STAFF,))


def draft(*triggers: Trigger, **changes: Any) -> CampaignDraft:
    """What a campaign says that is about a library, of no listing of its own."""
    text = Text(title=changes.pop("title", "{listing}"), body="At {place}, {starts}.")
    frame = {
        "listing_id": changes.pop("listing_id", None),
        "purpose": changes.pop("purpose", Purpose.NEARBY),
    }
    return CampaignDraft(
        name="What is on",
        campaign_class=CampaignClass.SERVICE,
        definition=Definition(
            **{
                "triggers": triggers,
                "audience": CITIZENS,
                "places": PlaceSet(categories=("library",)),
                "content": (Variant(name="a", texts={"en-GB": text}),),
                **changes,
            }
        ),
        **frame,
    )


def publish(world: World, said: CampaignDraft, *, at: datetime = NOON) -> Campaign:
    """Make a campaign and publish it."""
    grant = may(world.organisation, Right.CAMPAIGNS_WRITE)
    campaign, _ = service.make_campaign(world.session, said, campaign_id=None, grant=grant, at=NOON)
    return service.publish_campaign(
        world.session, campaign.id, grant=grant, settings=SETTINGS, at=at
    )


def runs(world: World) -> list[CampaignRun]:
    """All runs, in the order in which they were to begin."""
    rows = world.session.scalars(select(CampaignRun).order_by(CampaignRun.occurred_at))
    return list(rows)


def scheduled(world: World, *, rule: str | None = "FREQ=DAILY;COUNT=5") -> Campaign:
    """A campaign that runs every day at one, beginning today."""
    timetable = Timetable(starts_at=NOON + timedelta(hours=1), rule=rule)
    said = draft(Trigger.SCHEDULE, timetable=timetable, title="Today", listing_id=world.listing.id)
    return publish(world, said)


def begin_due(world: World, *, hours: float) -> int:
    """Let the clock begin what is due so long past noon."""
    at = NOON + timedelta(hours=hours)
    return beginning.begin_due(world.session, at=at, limit=10)


def test_an_event_sets_a_campaign_off_once(world: World) -> None:
    """Which speaks of that event, at its place."""
    campaign = publish(world, draft(Trigger.EVENT_PUBLISHED))
    event = make_listing(world.session, world.place, kind=ListingKind.EVENT, title="Story time")

    for minute in (1, 2):
        at = NOON + timedelta(minutes=minute)
        beginning.begin_for(world.session, [event.id], at=at)

    [run] = runs(world)
    assert (run.campaign_id, run.version, run.trigger) == (
        campaign.id,
        1,
        Trigger.EVENT_PUBLISHED,
    )
    assert (run.listing_id, run.place_id, run.occurred_at) == (event.id, world.place.id, NOON)
    assert run.state == CampaignRunState.UNDER_WAY


def test_a_task_sets_it_off_once_it_has_come_up(world: World) -> None:
    """Until then nothing does."""
    said = draft(
        Trigger.TASK_CREATED, audience=STAFF, purpose=Purpose.STAFF_TASKS, title="{listing}"
    )
    publish(world, said)
    task = make_listing(world.session, world.place, kind=ListingKind.TASK, title="Empty the bins")
    assert isinstance(task, Task)
    at = NOON + timedelta(days=1)

    beginning.begin_for(world.session, [task.id], at=at)
    none = runs(world)
    task.opened_at = at
    world.session.flush()
    beginning.begin_for(world.session, [task.id], at=at + timedelta(seconds=1))

    assert none == []
    assert [run.occurred_at for run in runs(world)] == [at]


def test_what_is_of_another_kind_elsewhere_or_anothers_sets_nothing_off(world: World) -> None:
    """Nor what was withdrawn meanwhile."""
    publish(world, draft(Trigger.EVENT_PUBLISHED))
    museum = make_place(world.session, world.organisation, category="museum")
    dorset = make_organisation(world.session, "dorset")
    share_place(world.session, world.place, dorset)
    elsewhere = make_listing(world.session, museum, kind=ListingKind.EVENT)
    offer = make_listing(world.session, world.place)
    anothers = make_listing(world.session, world.place, kind=ListingKind.EVENT)
    anothers.organisation_id = dorset.id
    withdrawn = make_listing(world.session, world.place, kind=ListingKind.EVENT)
    withdrawn.withdrawn_at = NOON
    world.session.flush()

    listings = [elsewhere, offer, anothers, withdrawn]
    beginning.begin_for(world.session, [one.id for one in listings], at=NOON)

    assert runs(world) == []


def test_too_many_at_once_are_passed_over_and_written_down(world: World) -> None:
    """A feed with a year of events in it tells nobody a year of events."""
    publish(world, draft(Trigger.EVENT_PUBLISHED))
    events = [
        make_listing(world.session, world.place, kind=ListingKind.EVENT)
        for _ in range(MOST_A_DAY + 3)
    ]

    beginning.begin_for(world.session, [one.id for one in events], at=NOON)

    passed_over = [run for run in runs(world) if run.state == CampaignRunState.PASSED_OVER]
    assert len(runs(world)) == MOST_A_DAY + 3
    assert len(passed_over) == 3
    assert {run.reason for run in passed_over} == {"The campaign had run 100 times within a day."}


def test_the_clock_begins_runs_one_after_the_other(world: World) -> None:
    """Each once, however often it is looked; after the last there is nothing to look at."""
    campaign = scheduled(world, rule="FREQ=DAILY;COUNT=2")

    looked_at = [begin_due(world, hours=hours) for hours in (0.5, 1, 1.1, 25, 49)]

    assert looked_at == [0, 1, 0, 1, 0]
    assert [(run.occurred_at, run.state) for run in runs(world)] == [
        (NOON + timedelta(hours=1), CampaignRunState.UNDER_WAY),
        (NOON + timedelta(hours=25), CampaignRunState.UNDER_WAY),
    ]
    assert {run.listing_id for run in runs(world)} == {world.listing.id}
    assert world.session.get_one(CampaignVersion, (campaign.id, 1)).runs_next_at is None


@pytest.mark.parametrize(
    ("hours", "states"),
    [
        (3.9, [CampaignRunState.UNDER_WAY]),
        (4.1, [CampaignRunState.PASSED_OVER]),
        (26, [CampaignRunState.PASSED_OVER, CampaignRunState.UNDER_WAY]),
        (
            54,
            [
                CampaignRunState.PASSED_OVER,
                CampaignRunState.PASSED_OVER,
                CampaignRunState.PASSED_OVER,
            ],
        ),
    ],
)
def test_what_was_missed_begins_once_if_it_is_not_too_late(
    world: World, hours: float, states: list[CampaignRunState]
) -> None:
    """The last that was missed, within three hours; the others are written down."""
    scheduled(world)

    begin_due(world, hours=hours)
    begin_due(world, hours=hours)

    assert [run.state for run in runs(world)] == states
    assert all(
        (run.reason is None) == (run.state == CampaignRunState.UNDER_WAY) for run in runs(world)
    )


def test_very_many_that_were_missed_are_written_down_at_once(world: World) -> None:
    """More values than a statement can have parameters; what is there already is not new."""
    scheduled(world)
    begin_due(world, hours=1)
    [run] = runs(world)
    columns = {one.key: getattr(run, one.key) for one in CampaignRun.__table__.columns}
    missed = [
        CampaignRun(
            **{**columns, "id": uuid4(), "occurred_at": run.occurred_at + timedelta(days=n)}
        )
        for n in range(65_535 // len(columns) + 2)
    ]

    new = run_queries.insert_new(world.session, missed)
    again = run_queries.insert_new(world.session, missed)

    assert (new, again) == ({one.id for one in missed[1:]}, set())
    assert len(runs(world)) == len(missed)


def test_whoever_changes_the_timetable_changes_what_comes(world: World) -> None:
    """And once the campaign has ended nothing does."""
    grant = may(world.organisation, Right.CAMPAIGNS_WRITE)
    campaign = scheduled(world)
    said = draft(
        Trigger.SCHEDULE,
        timetable=Timetable(starts_at=NOON + timedelta(hours=6)),
        title="Today",
        listing_id=world.listing.id,
    )
    service.replace_campaign(
        world.session,
        campaign.id,
        said,
        grant=grant,
        settings=SETTINGS,
        at=NOON + timedelta(minutes=5),
    )

    early = begin_due(world, hours=2)
    service.end_campaign(world.session, campaign.id, grant=grant, at=NOON + timedelta(hours=3))
    late = begin_due(world, hours=7)

    assert (early, late) == (0, 0)
    assert runs(world) == []


@pytest.mark.parametrize(
    ("triggers", "changes", "refused", "field"),
    [
        ((Trigger.SCHEDULE,), {}, TimetableRefused, "/timetable"),
        (
            (Trigger.NOW,),
            {"timetable": Timetable(starts_at=NOON), "title": "Now"},
            TimetableRefused,
            "/timetable",
        ),
        (
            (Trigger.SCHEDULE,),
            {"timetable": Timetable(starts_at=NOON, rule="FREQ=DAILY")},
            TimetableRefused,
            "/timetable/rule",
        ),
        (
            (Trigger.SCHEDULE,),
            {"timetable": Timetable(starts_at=NOON, rule="FREQ=DAILY", time_zone="Mars/North")},
            TimetableRefused,
            "/timetable/time_zone",
        ),
        (
            (Trigger.SCHEDULE,),
            {"timetable": Timetable(starts_at=NOON.replace(year=9999))},
            TimetableRefused,
            "/timetable/starts_at",
        ),
        ((Trigger.ENTERED,), {"places": None, "title": "Hello"}, PlacesMissing, "/places"),
        ((Trigger.EVENT_PUBLISHED,), {"places": None}, PlacesMissing, "/places"),
        ((Trigger.TASK_CREATED,), {}, TaskNotForCitizens, "/audience/roles"),
        ((Trigger.NOW,), {}, PlaceholderEmpty, "/content/0/texts/en-GB/title"),
        (
            (Trigger.EVENT_PUBLISHED, Trigger.ENTERED),
            {},
            PlaceholderEmpty,
            "/content/0/texts/en-GB/title",
        ),
        ((Trigger.NOW,), {"title": "Hello"}, PlaceholderEmpty, "/content/0/texts/en-GB/body"),
    ],
)
def test_what_cannot_be_is_refused(
    world: World,
    triggers: tuple[Trigger, ...],
    changes: dict[str, Any],
    refused: type[GeoservicesError],
    field: str,
) -> None:
    """With what to change."""
    with pytest.raises(refused) as raised:
        publish(world, draft(*triggers, **changes))

    assert raised.value.field == field


def test_a_rule_without_an_end_goes_with_a_campaign_that_has_one(world: World) -> None:
    """Then it does end."""
    schedule = Schedule(ends_at=NOON + timedelta(days=9))
    timetable = Timetable(starts_at=NOON + timedelta(hours=1), rule="FREQ=DAILY")
    publish(
        world,
        draft(
            Trigger.SCHEDULE,
            timetable=timetable,
            schedule=schedule,
            title="Today",
            listing_id=world.listing.id,
        ),
    )

    begin_due(world, hours=24 * 30)

    assert len(runs(world)) == 9
