"""Tasks that come again, by the clocks of a zone: each made once, and none piled upon another."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.access.actors import Grant, by_operator
from geoservices.access.rights import Right
from geoservices.accounts.models import Organisation
from geoservices.calendars.recurrence import RecurrenceRefused
from geoservices.database import SessionFactory
from geoservices.errors import IdTaken
from geoservices.listings.drafts import YearRefused
from geoservices.places.models import Place
from geoservices.tasks import recurring
from geoservices.tasks.models import Task, TaskSeries
from geoservices.tasks.recurring import SeriesDraft, SeriesOver, SeriesRefused
from geoservices.tasks.states import TaskState
from tests.factories import make_organisation, make_place, share_place
from tests.jobs import runtime
from workers.jobs import tasks as jobs

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LONDON = ZoneInfo("Europe/London")


def at(text: str) -> datetime:
    """A local time in London, as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=LONDON).astimezone(UTC)


@pytest.fixture
def organisation(session: Session) -> Organisation:
    """Devon."""
    return make_organisation(session)


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    return make_place(session, organisation)


@pytest.fixture
def grant(organisation: Organisation) -> Grant:
    """Of whoever manages tasks."""
    return by_operator(organisation.id, Right.LISTINGS_WRITE)


def draft(place: Place, first: str, rule: str, **said: Any) -> SeriesDraft:
    """What is to be done again and again."""
    return SeriesDraft(
        place_id=place.id, title="Open the hall", starts_at=at(first), rule=rule, **said
    )


def publish(session: Session, said: SeriesDraft, grant: Grant, now: datetime) -> TaskSeries:
    """Have it done."""
    return recurring.publish_series(session, said, grant=grant, at=now)[0]


def made_by(session: Session, moments: Sequence[datetime]) -> list[str]:
    """Look at each moment for what is due; return the local starts of what was made."""
    starts = []
    for moment in moments:
        for task in recurring.make_due(session, at=moment, limit=9)[1]:
            starts.append(f"{task.starts_at.astimezone(LONDON):%Y-%m-%dT%H:%M}")
            task.state = TaskState.DONE
        session.flush()
    return starts


def each_hour(first: str, days: int) -> list[datetime]:
    """Each hour of some days."""
    return [at(first) + HOUR * number for number in range(24 * days)]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        # Clocks skip from 01:00 to 02:00 on 29 March 2026.
        ("2026-03-27T09:00", ["27T09:00", "28T09:00", "29T09:00", "30T09:00"]),
        ("2026-03-27T01:30", ["27T01:30", "28T01:30", "29T02:30", "30T01:30"]),
        # They show 01:00 to 02:00 twice on 25 October 2026.
        ("2026-10-23T09:00", ["23T09:00", "24T09:00", "25T09:00", "26T09:00"]),
        ("2026-10-23T01:30", ["23T01:30", "24T01:30", "25T01:30", "26T01:30"]),
    ],
)
def test_it_comes_again_by_local_time_whatever_clocks_do(
    session: Session, place: Place, grant: Grant, first: str, expected: list[str]
) -> None:
    """Once each day, over both changes; each is due exactly so long after its start."""
    said = draft(place, first, "FREQ=DAILY;COUNT=4", due_after=2 * HOUR, lasts=6 * HOUR)
    publish(session, said, grant, at(first) - DAY)

    starts = made_by(session, each_hour(first[:10], 6))

    assert [start[8:] for start in starts] == expected
    for task in session.scalars(select(Task)):
        assert task.due_at == task.starts_at + 2 * HOUR
        assert task.ends_at == task.starts_at + 6 * HOUR
        assert task.occurs_at == task.starts_at


def test_each_is_a_task_of_its_own(session: Session, place: Place, grant: Grant) -> None:
    """With its own history, and nothing ticked; the job makes it once."""
    checklist = [{"id": "door", "text": "The door"}]
    said = draft(place, "2026-06-01T09:00", "FREQ=WEEKLY;COUNT=3", checklist=checklist)
    series = publish(session, said, grant, at("2026-05-01T00:00"))
    moment = at("2026-06-01T09:00")
    assert recurring.make_due(session, at=moment - timedelta.resolution, limit=9) == (0, [])

    [first] = recurring.make_due(session, at=moment, limit=9)[1]
    again = recurring.make_due(session, at=moment, limit=9)
    first.ticked, first.state = ["door"], TaskState.DONE
    session.flush()
    [second] = recurring.make_due(session, at=moment + 7 * DAY, limit=9)[1]

    assert again == (0, [])
    assert (first.series_id, second.series_id) == (series.id, series.id)
    assert (second.checklist, second.ticked, second.state) == (checklist, [], TaskState.OPEN)
    assert series.next_at == moment + 14 * DAY


@pytest.mark.parametrize(
    ("overlapping", "expected"),
    [(False, ["01T09:00", "04T09:00"]), (True, ["01T09:00", "02T09:00", "03T09:00", "04T09:00"])],
)
def test_missed_ones_do_not_pile_up_unless_that_is_asked_for(
    session: Session, place: Place, grant: Grant, *, overlapping: bool, expected: list[str]
) -> None:
    """While one is unfinished no other is made; then the latest of those missed is."""
    rule = "FREQ=DAILY;COUNT=9"
    said = draft(place, "2026-06-01T09:00", rule, overlapping=overlapping)
    publish(session, said, grant, at("2026-05-01T00:00"))
    starts: list[str] = []
    for moment in each_hour("2026-06-01T00:00", 4):
        found = recurring.make_due(session, at=moment, limit=9)[1]
        starts += [f"{task.starts_at.astimezone(LONDON):%dT%H:%M}" for task in found]
        if moment == at("2026-06-04T12:00"):
            for task in session.scalars(select(Task)):
                task.state = TaskState.DONE
            session.flush()

    assert starts == expected


def test_of_what_was_missed_the_latest_is_made_if_it_is_not_over(
    session: Session, place: Place, grant: Grant
) -> None:
    """After an outage of days, and for a series that began before it was said."""
    rule = "FREQ=DAILY;COUNT=30"
    said = draft(place, "2026-06-01T09:00", rule, lasts=4 * HOUR)
    publish(session, said, grant, at("2026-06-05T10:00"))

    assert made_by(session, [at("2026-06-05T10:00")]) == ["2026-06-05T09:00"]
    assert made_by(session, [at("2026-06-09T14:00")]) == []
    assert made_by(session, [at("2026-06-10T12:00")]) == ["2026-06-10T09:00"]


def test_the_next_is_made_when_one_expires(session: Session, place: Place, grant: Grant) -> None:
    """Whether that was written down or not."""
    said = draft(place, "2026-06-01T09:00", "FREQ=DAILY;COUNT=2", lasts=DAY)
    publish(session, said, grant, at("2026-05-01T00:00"))

    counts = [
        len(recurring.make_due(session, at=at(moment), limit=9)[1])
        for moment in ("2026-06-01T09:00", "2026-06-02T08:59", "2026-06-02T09:00")
    ]

    assert counts == [1, 0, 1]


def test_a_change_counts_from_the_next_on(session: Session, place: Place, grant: Grant) -> None:
    """What was made stays, and nothing is made twice."""
    said = draft(place, "2026-06-01T09:00", "FREQ=DAILY;COUNT=9")
    series = publish(session, said, grant, at("2026-05-01T00:00"))
    [first] = recurring.make_due(session, at=at("2026-06-01T09:00"), limit=9)[1]
    first.state = TaskState.DONE
    later = replace(said, title="Open both halls", starts_at=at("2026-06-01T10:00"))

    recurring.replace_series(session, series.id, later, grant=grant)
    starts = made_by(session, each_hour("2026-06-01T09:00", 3))

    assert starts == ["2026-06-01T10:00", "2026-06-02T10:00", "2026-06-03T10:00"]
    assert first.title == "Open the hall"


def test_what_is_ended_makes_nothing_more(session: Session, place: Place, grant: Grant) -> None:
    """What nobody has is cancelled; whoever has one finishes it. Ending again does nothing."""
    moment = at("2026-06-01T09:00")
    rule = "FREQ=DAILY;COUNT=9"
    said = draft(place, "2026-06-01T09:00", rule, overlapping=True)
    series = publish(session, said, grant, at("2026-05-01T00:00"))
    [begun] = recurring.make_due(session, at=moment, limit=9)[1]
    begun.state, begun.leased_until = TaskState.IN_PROGRESS, moment + 9 * DAY
    [open_] = recurring.make_due(session, at=moment + DAY, limit=9)[1]

    for _again in range(2):
        recurring.end_series(session, series.id, grant=grant, at=moment + DAY)

    assert (begun.state, open_.state) == (TaskState.IN_PROGRESS, TaskState.CANCELLED)
    assert recurring.make_due(session, at=moment + 5 * DAY, limit=9) == (0, [])
    with pytest.raises(SeriesOver):
        recurring.replace_series(session, series.id, said, grant=grant)


@pytest.mark.parametrize(
    ("rule", "said", "refusal", "field"),
    [
        ("FREQ=DAILY", {}, RecurrenceRefused, "/rule"),
        ("FREQ=HOURLY;COUNT=3", {}, RecurrenceRefused, "/rule"),
        ("FREQ=DAILY;UNTIL=20200101", {}, RecurrenceRefused, "/rule"),
        ("FREQ=WEEKLY;BYDAY=FR;COUNT=3", {}, RecurrenceRefused, "/rule"),
        ("FREQ=DAILY;COUNT=3", {"due_after": timedelta(0)}, SeriesRefused, "/due_after"),
        ("FREQ=DAILY;COUNT=3", {"lasts": 400 * DAY}, SeriesRefused, "/lasts"),
        ("FREQ=DAILY;COUNT=3", {"lasts": HOUR, "due_after": DAY}, SeriesRefused, "/due_after"),
    ],
)
def test_what_cannot_be_is_refused(
    place: Place, rule: str, said: dict[str, Any], refusal: type[Exception], field: str
) -> None:
    """Rules without an end among it."""
    with pytest.raises(refusal) as refused:
        draft(place, "2026-06-01T09:00", rule, **said).settled(place)

    assert getattr(refused.value, "field", None) == field


@pytest.mark.parametrize("begins", ["0001-01-01T09:00", "9999-12-31T09:00"])
def test_a_series_begins_in_our_age(place: Place, begins: str) -> None:
    """The end of what lasts for a day, and the moment before it begins, could not be told."""
    said = draft(place, begins, "FREQ=DAILY;COUNT=3", lasts=DAY, time_zone="UTC")

    with pytest.raises(YearRefused) as refused:
        said.settled(place)

    assert refused.value.field == "/starts_at"


def test_the_same_again_changes_nothing(session: Session, place: Place, grant: Grant) -> None:
    """And another thing under its id is refused."""
    said = draft(place, "2026-06-01T09:00", "rrule:freq=daily;interval=1;count=3")
    now = at("2026-06-02T00:00")
    first, made = recurring.publish_series(session, said, grant=grant, at=now)

    again = recurring.publish_series(session, said, series_id=first.id, grant=grant, at=now)

    assert made
    assert again == (first, False)
    with pytest.raises(IdTaken):
        recurring.publish_series(
            session, replace(said, title="Other"), series_id=first.id, grant=grant, at=now
        )


def test_what_is_shared_no_more_makes_nothing_more(
    session: Session, organisation: Organisation, grant: Grant
) -> None:
    """A series at a partner's place ends with the share."""
    theirs = make_place(session, make_organisation(session, "kent"))
    share = share_place(session, theirs, organisation)
    said = draft(theirs, "2026-06-01T09:00", "FREQ=DAILY;COUNT=3")
    series = publish(session, said, grant, at("2026-05-01T00:00"))
    share.ended_at = at("2026-05-02T00:00")
    session.flush()

    assert made_by(session, [at("2026-06-01T09:00"), at("2026-06-02T09:00")]) == []
    assert series.ended_at == at("2026-06-01T09:00")


def test_the_job_makes_what_is_due(
    sessions: SessionFactory, place: Place, grant: Grant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Running it twice makes one."""
    monkeypatch.setattr(runtime, "sessions", lambda: sessions)
    with sessions() as session, session.begin():
        said = draft(session.merge(place), "2026-06-01T09:00", "FREQ=DAILY;COUNT=3")
        publish(session, said, grant, at("2026-05-01T00:00"))
    monkeypatch.setattr(clock, "now", lambda: at("2026-06-01T12:00"))

    jobs.recur()
    jobs.recur()

    with sessions() as session:
        assert len(session.scalars(select(Task)).all()) == 1
