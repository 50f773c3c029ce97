"""People reminded of what they signed up for, and seen to have come, at NOON and around it."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import attending, pipeline
from geoservices.access.rights import Right
from geoservices.accounts.models import Device, Organisation, Purpose
from geoservices.checkins.service import CheckInReport
from geoservices.checkins.verification import Evidence
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries.models import Delivery
from geoservices.events.models import Event, Occurrence, SignUp, SignUpReminder
from geoservices.geofences.live import LiveGeofences
from geoservices.listings import service as listings
from geoservices.listings.models import ListingKind
from geoservices.notifications.models import Notification
from geoservices.places.models import Place
from geoservices.retention import service as retention
from tests.api.world import make_subscription
from tests.factories import (
    NOON,
    make_device,
    make_listing,
    make_organisation,
    make_person,
    make_place,
    may,
)
from tests.notifying import pushed
from tests.walking import SETTINGS

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
STARTS_AT = NOON + 2 * DAY
RETENTION = SETTINGS.retention


def make_event(session: Session, **said: Any) -> Event:
    """Story time in two days at noon, for an hour, with two reminders."""
    event = make_listing(
        session,
        make_place(session, make_organisation(session)),
        kind=ListingKind.EVENT,
        title="Story time",
    )
    assert isinstance(event, Event)
    told = {
        "starts_at": STARTS_AT,
        "ends_at": STARTS_AT + HOUR,
        "length": HOUR,
        "sign_up": "open",
        "reminders": [DAY, 2 * HOUR],
    }
    for name, value in (told | said).items():
        setattr(event, name, value)
    session.flush()
    return event


def make_phone(session: Session) -> Device:
    """A citizen's phone that agreed to what check-ins are kept for."""
    return make_device(session, make_person(session, Purpose.CHECK_IN_CONTENT))[0]


def sign_up(
    session: Session,
    event: Event,
    device: Device,
    *,
    at: datetime = NOON,
    starts_at: datetime = STARTS_AT,
) -> SignUp:
    """Ask for a place."""
    made, _occurrence, _position = attending.sign_up(
        session, event.id, starts_at, person_id=device.person_id, sign_up_id=None, at=at
    )
    return made


def remind(session: Session, at: datetime) -> int:
    """Remind whoever is to be."""
    return attending.remind(session, at=at, limit=100)


def told(session: Session) -> list[tuple[str, datetime]]:
    """What was told, and until when it counts, in its order."""
    rows = session.scalars(select(Notification).order_by(Notification.created_at))
    return [(one.title, one.expires_at) for one in rows]


def test_each_reminder_is_told_once(session: Session) -> None:
    """When it is due and no sooner; it counts until the start."""
    sign_up(session, make_event(session), make_phone(session))

    counts = [
        remind(session, STARTS_AT - before)
        for before in (DAY + MINUTE, DAY, DAY - MINUTE, 2 * HOUR + MINUTE, 2 * HOUR, HOUR + MINUTE)
    ]

    assert counts == [0, 1, 0, 0, 1, 0]
    assert told(session) == [
        ("Story time begins tomorrow at 12:00", STARTS_AT),
        ("Story time begins today at 12:00", STARTS_AT),
    ]


@pytest.mark.parametrize(
    ("back", "titles"),
    [
        pytest.param(DAY - 5 * HOUR, ["Story time begins tomorrow at 12:00"], id="still useful"),
        pytest.param(11 * HOUR, [], id="more than half of a day late"),
        pytest.param(90 * MINUTE, ["Story time begins today at 12:00"], id="the last one alone"),
        pytest.param(59 * MINUTE, [], id="too late for any"),
        pytest.param(timedelta(0), [], id="it begins"),
        pytest.param(-MINUTE, [], id="it has begun"),
    ],
)
def test_after_a_pause_nothing_stale_is_told(
    session: Session, back: timedelta, titles: list[str]
) -> None:
    """No worker ran until so long before the start."""
    sign_up(session, make_event(session), make_phone(session))

    remind(session, STARTS_AT - back)
    remind(session, STARTS_AT - back)

    assert [title for title, _ in told(session)] == titles


def test_of_two_that_are_due_the_last_is_told(session: Session) -> None:
    """And the other never."""
    sign_up(session, make_event(session, reminders=[DAY, 20 * HOUR]), make_phone(session))

    counts = [remind(session, STARTS_AT - before) for before in (19 * HOUR, 18 * HOUR)]

    assert counts == [1, 0]
    assert [row.before for row in session.scalars(select(SignUpReminder))] == [20 * HOUR]


def test_only_those_going_are_reminded_of_what_takes_place(session: Session) -> None:
    """Not those who wait, nor of what is cancelled, nor of what was due before they signed up."""
    event = make_event(session, capacity=1, rule="FREQ=DAILY")
    early, late, waits = (make_phone(session) for _ in range(3))
    sign_up(session, event, early, at=NOON)
    sign_up(session, event, waits, at=NOON)
    next_day = STARTS_AT + DAY
    sign_up(session, event, late, at=next_day - 23 * HOUR, starts_at=next_day)
    after = next_day + DAY
    sign_up(session, event, early, starts_at=after)
    called_off = session.scalars(select(Occurrence).where(Occurrence.starts_at == after)).one()
    called_off.cancelled_at, called_off.reason = NOON, "Snow."
    session.flush()

    assert remind(session, STARTS_AT - DAY) == 1
    assert session.scalars(select(Notification.person_id)).all() == [early.person_id]
    assert remind(session, next_day - 22 * HOUR) == 0
    assert remind(session, after - DAY) == 0
    event.withdrawn_at = NOON
    session.flush()
    assert remind(session, STARTS_AT - 2 * HOUR) == 0


@pytest.mark.parametrize(
    ("starts_at", "zone", "title"),
    [
        # Clocks in London go forward in the night between, and a day before ten is eleven in UTC.
        (datetime(2026, 3, 29, 9, tzinfo=UTC), "Europe/London", "tomorrow at 10:00"),
        (datetime(2026, 10, 25, 10, tzinfo=UTC), "Europe/London", "tomorrow at 10:00"),
        (datetime(2026, 3, 8, 14, tzinfo=UTC), "America/New_York", "tomorrow at 10:00"),
        (datetime(2026, 11, 1, 15, tzinfo=UTC), "America/New_York", "tomorrow at 10:00"),
        (datetime(2026, 4, 4, 23, 30, tzinfo=UTC), "Australia/Lord_Howe", "tomorrow at 10:00"),
        (datetime(2026, 10, 3, 23, tzinfo=UTC), "Australia/Lord_Howe", "tomorrow at 10:00"),
    ],
)
def test_reminders_have_local_time_over_a_change_of_clocks(
    session: Session, starts_at: datetime, zone: str, title: str
) -> None:
    """Of the zone of the event."""
    event = make_event(
        session, starts_at=starts_at, ends_at=starts_at + HOUR, time_zone=zone, reminders=[DAY]
    )
    before = starts_at - DAY
    sign_up(session, event, make_phone(session), at=before - DAY, starts_at=starts_at)

    assert remind(session, before) == 1
    assert [one for one, _ in told(session)] == [f"Story time begins {title}"]


@pytest.mark.parametrize("moved", [False, True], ids=["withdrawn", "moved"])
def test_what_is_back_on_is_told_to_those_who_signed_up(session: Session, *, moved: bool) -> None:
    """Once, and they have what they had; what a manager cancelled by itself stays so."""
    event = make_event(session, rule="FREQ=DAILY", ends_at=None, capacity=1)
    ann, ben = make_phone(session), make_phone(session)
    mine, waiting, snow = (
        sign_up(session, event, ann),
        sign_up(session, event, ben),
        sign_up(session, event, ann, starts_at=STARTS_AT + DAY),
    )
    grant = may(session.get_one(Organisation, event.organisation_id), Right.LISTINGS_WRITE)
    attending.cancel(session, event.id, STARTS_AT + DAY, reason="Snow", grant=grant, at=NOON)

    def follow(change: Callable[[], None]) -> None:
        change()
        for _ in range(2):
            attending.follow(session, event, at=NOON)
        session.flush()

    def put_off(by: timedelta) -> None:
        event.starts_at += by

    follow(lambda: put_off(HOUR) if moved else event.withdraw(NOON))
    off = [one.cancelled_at for one in session.scalars(select(Occurrence))]
    follow(lambda: put_off(-HOUR) if moved else event.restore(NOON))

    assert off == [NOON, NOON]
    assert (mine.state, waiting.state, snow.state) == ("going", "waiting", "going")
    reasons = dict(session.execute(select(Occurrence.starts_at, Occurrence.reason)).all())
    assert reasons == {STARTS_AT: None, STARTS_AT + DAY: "Snow"}
    titles = Counter(title.removeprefix("Story time ") for title, _ in told(session))
    assert titles == {"is cancelled": 3, "takes place after all": 2}


def test_a_reminder_is_pushed(session: Session) -> None:
    """To the browsers of whoever is going."""
    device = make_phone(session)
    make_subscription(session, device)
    sign_up(session, make_event(session), device)

    remind(session, STARTS_AT - DAY)

    assert len(session.scalars(select(Delivery)).all()) == 1


def test_word_of_the_end_is_pushed(session: Session) -> None:
    """Of an event that was withdrawn, which is what it speaks of."""
    event, device = make_event(session), make_phone(session)
    make_subscription(session, device)
    sign_up(session, event, device)
    grant = may(session.get_one(Organisation, event.organisation_id), Right.LISTINGS_WRITE)

    listings.withdraw_listing(session, event.id, grant=grant, at=NOON)
    attending.follow(session, event, at=NOON)

    [(title, body)] = pushed(session, at=NOON)
    assert title == "Story time is cancelled"
    assert "The event was withdrawn." in body


def test_two_workers_remind_nobody_twice(committed: SessionFactory) -> None:
    """Both find the same people at once."""
    with transaction(committed) as session:
        event = make_event(session)
        for _ in range(20):
            sign_up(session, event, make_phone(session))
    counts: list[int] = []

    def work() -> None:
        with transaction(committed) as session:
            counts.append(remind(session, STARTS_AT - DAY))

    workers = [Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    work()

    assert sum(counts) == 20
    with committed() as session:
        people = session.scalars(select(Notification.person_id)).all()
    assert len(people) == len(set(people)) == 20


def check_in(session: Session, device: Device, place_id: Any, *, at: datetime) -> None:
    """Say: I am here."""
    pipeline.check_in(
        session,
        device,
        CheckInReport(id=uuid4(), place_id=place_id),
        live=LiveGeofences(),
        settings=SETTINGS,
        at=at,
    )


@pytest.mark.parametrize(
    ("at", "attended"),
    [
        (STARTS_AT - 31 * MINUTE, 0),
        (STARTS_AT - 30 * MINUTE, 1),
        (STARTS_AT + 59 * MINUTE, 1),
        (STARTS_AT + HOUR, 0),
    ],
)
def test_a_check_in_within_the_span_is_attendance(
    session: Session, at: datetime, attended: int
) -> None:
    """From half an hour before the start until the end, which belongs to it no more."""
    event, device = make_event(session), make_phone(session)
    made = sign_up(session, event, device)

    check_in(session, device, event.place_id, at=at)
    check_in(session, device, event.place_id, at=at)

    session.expire_all()
    assert (made.attended_at is not None) == bool(attended)
    assert session.scalars(select(Occurrence.attended)).one() == attended


def test_attendance_takes_the_place_and_the_evidence(session: Session) -> None:
    """A check-in elsewhere, or on one's word where more is asked, is none; who waits may come."""
    event = make_event(session, capacity=1)
    strict = make_event_at(session, event, evidence_needed=Evidence.INSIDE)
    going, waiting = make_phone(session), make_phone(session)
    for device in (going, waiting):
        sign_up(session, event, device)
        sign_up(session, strict, device)
    elsewhere = make_place(session, make_organisation(session, "dorset"))

    check_in(session, going, elsewhere.id, at=STARTS_AT)
    session.expire_all()
    none = session.scalars(select(SignUp.attended_at)).all()
    check_in(session, waiting, event.place_id, at=STARTS_AT)
    session.expire_all()

    assert none == [None] * 4
    came = session.execute(
        select(Occurrence.event_id, SignUp.person_id)
        .join(SignUp, SignUp.occurrence_id == Occurrence.id)
        .where(SignUp.attended_at.is_not(None))
    ).all()
    assert [tuple(row) for row in came] == [(event.id, waiting.person_id)]


def make_event_at(session: Session, other: Event, *, evidence_needed: Evidence) -> Event:
    """Another event at the same place and time."""
    place = session.get_one(Place, other.place_id)
    event = make_listing(
        session, place, kind=ListingKind.EVENT, title="Chess", evidence_needed=evidence_needed
    )
    assert isinstance(event, Event)
    event.starts_at, event.ends_at, event.length = STARTS_AT, STARTS_AT + HOUR, HOUR
    event.sign_up = "open"
    session.flush()
    return event


def test_sign_ups_go_and_counts_stay(sessions: SessionFactory, session: Session) -> None:
    """A week after the end."""
    event, device = make_event(session), make_phone(session)
    sign_up(session, event, device)
    remind(session, STARTS_AT - DAY)
    check_in(session, device, event.place_id, at=STARTS_AT)
    session.commit()

    over = STARTS_AT + HOUR + RETENTION.sign_ups
    kept = retention.apply(sessions, settings=SETTINGS, at=over)
    gone = retention.apply(sessions, settings=SETTINGS, at=over + MINUTE)

    assert (kept.get("sign_ups", 0), gone["sign_ups"]) == (0, 1)
    session.expire_all()
    [occurrence] = session.scalars(select(Occurrence)).all()
    assert (occurrence.going, occurrence.attended) == (1, 1)
    assert session.scalars(select(SignUpReminder)).all() == []


def test_at_a_sensitive_place_sign_ups_go_after_a_day(
    sessions: SessionFactory, session: Session
) -> None:
    """As check-ins there do."""
    event, device = make_event(session), make_phone(session)
    place = session.get_one(Place, event.place_id)
    place.sensitive_kind, place.sensitive_at = "clinic", NOON
    sign_up(session, event, device)
    session.commit()

    gone = retention.apply(
        sessions,
        settings=SETTINGS,
        at=STARTS_AT + HOUR + RETENTION.sensitive_check_ins + MINUTE,
    )

    assert gone["sensitive_sign_ups"] == 1


def test_giving_up_what_has_begun_moves_nobody_up(session: Session) -> None:
    """The row goes; what it came to stays."""
    event = make_event(session, capacity=1)
    first, second = make_phone(session), make_phone(session)
    mine, other = sign_up(session, event, first), sign_up(session, event, second)

    attending.give_up(session, mine.id, event_id=event.id, person_id=first.person_id, at=STARTS_AT)

    session.expire_all()
    assert other.state == "waiting"
    assert session.scalars(select(Occurrence.going)).one() == 1
