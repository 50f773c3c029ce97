"""What workers do for replays of campaigns."""

from datetime import timedelta

from kombu import Connection

from geoservices import clock
from geoservices.access.rights import Right
from geoservices.campaigns import replays
from geoservices.campaigns.lifecycle import ReplayState
from geoservices.campaigns.replay_models import CampaignReplay
from geoservices.campaigns.replays import Wanted
from geoservices.database import SessionFactory, transaction
from geoservices.limiting.limiter import Limiter
from tests.factories import make_campaign, may
from tests.jobs import app, runtime
from tests.replaying import make_people, make_town
from workers.jobs import replays as jobs
from workers.relay import Relay


def test_the_relay_rings_for_a_replay_and_the_job_does_it(
    committed: SessionFactory, doorbell: Connection
) -> None:
    """From the question to the result; a second bell changes nothing."""
    settings = runtime.settings()
    with transaction(committed) as session:
        town = make_town(session)
        for person in make_people(session, 12):
            town.comes(person, at=clock.now() - timedelta(hours=1))
        campaign = make_campaign(session, town.listing, published_at=None)
        asked = replays.ask_for(
            session,
            campaign.id,
            Wanted(days=3),
            grant=may(town.organisation, Right.CAMPAIGNS_WRITE),
            settings=settings,
            limiter=Limiter(committed, settings),
            at=clock.now(),
        )
    relay = Relay(
        committed,
        outbox_lease=settings.outbox_lease,
        push_lease=settings.push.lease,
        mail_lease=settings.mail.lease,
    )

    assert relay.relay_once() == 1
    message = doorbell.SimpleQueue(app.conf.task_default_queue).get(timeout=5)
    message.ack()
    assert message.headers["task"] == "replays.carry_out"
    for _ in range(2):
        jobs.carry_out(message.payload[0][0])

    with transaction(committed) as session:
        done = session.get_one(CampaignReplay, asked.id)
        assert (done.state, done.attempt_count) == (ReplayState.DONE, 1)
        assert done.result is not None
        assert done.result["sent"] is not None
    assert relay.relay_once() == 0
