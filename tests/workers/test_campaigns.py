"""The job that decides: a message it cannot decide on stays, and holds up no other."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.orm import sessionmaker
from structlog.testing import capture_logs

from geoservices import broadcasting, clock, pipeline
from geoservices.accounts.models import Purpose
from geoservices.campaigns.rules import Trigger
from geoservices.database import SessionFactory, transaction
from geoservices.notifications.models import Notification
from geoservices.outbox import OutboxMessage
from geoservices.places.models import Place
from tests.factories import (
    make_campaign,
    make_device,
    make_geofence,
    make_listing,
    make_person,
    make_place,
)
from tests.jobs import runtime
from tests.walking import make_world, moment
from workers.jobs import campaigns as jobs


@pytest.fixture
def messages(committed: SessionFactory, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Three check-ins, the second of them at a place whose time zone no clock knows."""
    monkeypatch.setattr(clock, "now", lambda: moment(1))
    with transaction(committed) as session:
        world = make_world(session)
        broken = make_place(session, world.organisation, name="Nowhere Library")
        broken.time_zone = "localtime"
        make_geofence(session, broken)
        for place in (world.place, broken):
            make_campaign(
                session,
                make_listing(session, place),
                trigger=Trigger.CHECKED_IN,
                purpose=Purpose.CHECK_IN_CONTENT,
            )
        other = make_person(session, Purpose.CHECK_IN_CONTENT)
        world.check_in()
        replace(world, place=broken).check_in()
        replace(world, person=other, device=make_device(session, other)[0]).check_in()
        return list(session.scalars(select(OutboxMessage.id).order_by(OutboxMessage.id)))


def waiting(sessions: SessionFactory) -> list[tuple[int, int, timedelta]]:
    """What is in the outbox: its id, how often it failed, and in how long it is due."""
    with transaction(sessions) as session:
        rows = session.scalars(select(OutboxMessage))
        return [(row.id, row.attempt_count, row.due_at - clock.now()) for row in rows]


def test_one_bad_message_holds_up_no_other(committed: SessionFactory, messages: list[int]) -> None:
    """The good ones are told and done with; the bad one is named, counted and put off."""
    with capture_logs() as logged:
        jobs.decide(messages)

    with transaction(committed) as session:
        told = session.scalars(select(Notification.person_id)).all()
    [failure] = [line for line in logged if line["event"] == "message_failed"]
    assert len(set(told)) == len(told) == 2
    assert waiting(committed) == [(messages[1], 1, timedelta(seconds=2))]
    assert (failure["message"], failure["error"]) == (messages[1], "TypeError")


def test_a_bad_message_is_tried_again_until_it_succeeds(
    committed: SessionFactory, messages: list[int]
) -> None:
    """Each time it waits twice as long; it is never given up."""
    for _ in range(3):
        jobs.decide(messages)
    before = waiting(committed)
    with transaction(committed) as session:
        broken = session.scalars(select(Place).where(Place.time_zone == "localtime")).one()
        broken.time_zone = "Europe/London"

    jobs.decide(messages)

    assert before == [(messages[1], 3, timedelta(seconds=8))]
    assert waiting(committed) == []
    with transaction(committed) as session:
        assert len(session.scalars(select(Notification.id)).all()) == 3


@pytest.mark.parametrize("job", [jobs.decide, jobs.release, jobs.run])
def test_while_the_database_is_away_each_job_says_so_in_a_line(
    job: Callable[[Sequence[object]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And ends, without asking for each piece and without the way to where it failed."""
    asked: list[object] = []

    def away(*_args: object, **_rest: object) -> None:
        asked.append(None)
        raise psycopg.OperationalError

    monkeypatch.setattr(pipeline, "decide", away)
    monkeypatch.setattr(pipeline, "release", away)
    monkeypatch.setattr(broadcasting, "take_step", away)
    monkeypatch.setattr(runtime, "picking_sessions", sessionmaker)

    with capture_logs() as logged:
        job([1, 2, 3] if job is jobs.decide else [str(uuid4()) for _ in range(3)])

    [line] = logged
    assert len(asked) == 1
    assert (line["event"], line["log_level"]) == ("database_unavailable", "warning")
    assert line["job"] == job.name  # type: ignore[attr-defined]
    assert "exc_info" not in line
