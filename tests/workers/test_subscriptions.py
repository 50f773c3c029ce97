"""The daily look at subscriptions that nobody renews."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from geoservices import clock
from geoservices.database import SessionFactory, transaction
from geoservices.subscriptions import queries
from geoservices.subscriptions.models import EndedReason, Subscription
from geoservices.subscriptions.queries import Result
from tests import notifying
from tests.factories import NOON
from workers.jobs import subscriptions as jobs


def test_every_lifeless_subscription_is_ended_in_as_many_rounds_as_it_takes(
    committed: SessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few in each transaction; the others live on, and a second run finds nothing."""
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(days=61))
    monkeypatch.setattr(jobs, "AT_ONCE", 3)
    with transaction(committed) as session:
        world = notifying.make_world(session)
        device = world.device()
        dead = [world.subscribe(device).id for _ in range(8)]
        world.subscribe(device)
        accepted = [NOON + timedelta(days=5 * number) for number in range(1, 6)]
        queries.record_results(session, [Result(id_, at) for id_ in dead for at in accepted])

    with capture_logs() as logged:
        jobs.age_out()
        jobs.age_out()

    with transaction(committed) as session:
        ended = session.execute(
            select(Subscription.id, Subscription.ended_reason).where(
                Subscription.ended_at.is_not(None)
            )
        ).all()
    assert {tuple(row) for row in ended} == {(id_, EndedReason.NO_SIGN_OF_LIFE) for id_ in dead}
    counts = [line["ended"] for line in logged if line["event"] == "subscriptions_aged_out"]
    assert counts == [8, 0]
