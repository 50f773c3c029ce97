"""Runs whose steps fail: who is to blame is left out, and what is nobody's fault ends."""

from collections import Counter
from datetime import datetime, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs
from structlog.types import EventDict

from geoservices import clock, singling_out
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right, Role
from geoservices.accounts.models import Person, Purpose
from geoservices.campaigns import beginning, run_queries, running
from geoservices.campaigns.rules import Trigger
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries.models import Delivery
from geoservices.notifications.models import Notification
from geoservices.places.models import Place
from tests import notifying
from tests.factories import NOON, make_campaign, make_person
from workers.jobs import campaigns as jobs

PEOPLE = 24
UNKNOWN = "Nowhere/Land"
"""The database takes it for a time zone, and no clock knows it."""


@pytest.fixture
def run_id(committed: SessionFactory) -> UUID:
    """A run over people with a browser each, who have quiet hours at night."""
    with transaction(committed) as session:
        world = notifying.make_world(session)
        for _ in range(PEOPLE - 1):
            world.subscribe(world.device(make_person(session, Purpose.NEARBY)))
        world.subscribe()
        session.execute(update(Person).values(quiet_from=time(22), quiet_until=time(7)))
        campaign = make_campaign(session, world.listing, trigger=Trigger.NOW, audience=Role.CITIZEN)
        grant = by_operator(campaign.organisation_id, Right.CAMPAIGNS_WRITE)
        run, _ = beginning.begin_now(
            session, campaign.id, run_id=None, grant=grant, smallest=10, at=NOON
        )
        return run.id


def go_on(
    sessions: SessionFactory, run_id: UUID, *, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> tuple[CampaignRun, list[EventDict]]:
    """Let a worker go on with it; return how it stands then, and what the worker logged."""
    monkeypatch.setattr(clock, "now", lambda: at)
    with capture_logs() as logged:
        jobs.run([str(run_id)])
    with transaction(sessions) as session:
        return session.get_one(CampaignRun, run_id), logged


@pytest.mark.parametrize("most_tries", [singling_out.MOST_TRIES, 8])
def test_who_cannot_be_decided_on_is_left_out(
    committed: SessionFactory, run_id: UUID, monkeypatch: pytest.MonkeyPatch, most_tries: int
) -> None:
    """The first step fails; the next find the two, in as many as it takes, and all others are told
    once.
    """
    monkeypatch.setattr(singling_out, "MOST_TRIES", most_tries)
    with transaction(committed) as session:
        ids = session.scalars(select(Person.id).order_by(Person.id)).all()
        broken = {ids[0], ids[17]}
        session.execute(update(Person).where(Person.id.in_(broken)).values(time_zone=UNKNOWN))

    first, first_logged = go_on(committed, run_id, at=NOON, monkeypatch=monkeypatch)
    counts = (first.attempt_count, first.people, first.gone_through, first.due_at)
    then, logged = first, list[EventDict]()
    while then.state == CampaignRunState.UNDER_WAY:
        then, more = go_on(committed, run_id, at=first.due_at, monkeypatch=monkeypatch)
        logged += more

    assert [line["event"] for line in first_logged] == ["run_step_failed"]
    assert counts == (1, None, 0, NOON + timedelta(seconds=2))
    assert (then.state, then.reason) == (CampaignRunState.FINISHED, running.UNDECIDED)
    assert (then.people, then.gone_through) == (PEOPLE, PEOPLE)
    assert (then.sent, then.held, then.failed) == (PEOPLE - 2, 0, 2)
    named = [line["person_id"] for line in logged if line["event"] == "person_undecided"]
    assert sorted(named) == sorted(map(str, broken))
    with transaction(committed) as session:
        told = Counter(session.scalars(select(Notification.person_id)))
        queued = len(session.scalars(select(Delivery.id)).all())
    assert (set(told), set(told.values())) == (set(ids) - broken, {1})
    assert queued == PEOPLE - 2


def test_what_is_nobodys_fault_ends_the_run(
    committed: SessionFactory, run_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some attempts, ever further apart; nobody was told, and nobody is called to blame."""
    monkeypatch.setattr(running, "MOST_ATTEMPTS", 3)
    with transaction(committed) as session:
        place_id = session.scalars(select(Place.id)).one()
        session.execute(
            update(CampaignRun).where(CampaignRun.id == run_id).values(place_id=place_id)
        )
        session.execute(update(Place).values(time_zone=UNKNOWN))
    at, events = NOON, list[str]()

    for _ in range(3):
        run, logged = go_on(committed, run_id, at=at, monkeypatch=monkeypatch)
        at = run.due_at
        events += [line["event"] for line in logged]

    assert events == ["run_step_failed", "run_step_failed", "run_failed"]
    assert (run.state, run.reason) == (CampaignRunState.FAILED, running.GIVEN_UP)
    assert at - NOON == timedelta(seconds=2 + 4 + 8)
    assert (run.sent, run.failed, run.reached) == (0, 0, None)
    with transaction(committed) as session:
        told = session.scalars(select(Notification.id)).all()
        left = run_queries.DUE.hand_out(session, at=at, lease=running.LEASE, limit=9)
    assert (told, left) == ([], [])
