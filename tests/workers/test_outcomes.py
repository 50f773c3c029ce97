"""What workers do for the outcomes of campaigns."""

from datetime import timedelta

from sqlalchemy import select

from geoservices import clock
from geoservices.campaigns import queries as campaigns
from geoservices.database import SessionFactory, transaction
from geoservices.outcomes.models import CampaignRound
from tests.campaigning import make_world
from tests.factories import make_campaign
from workers.jobs import outcomes as jobs

DAY = timedelta(days=1)


def test_a_campaign_that_cannot_be_counted_keeps_no_other_from_it(
    committed: SessionFactory,
) -> None:
    """Whichever comes first; whoever looks at the logs finds it by its id."""
    published_at = clock.now() - 40 * DAY
    with transaction(committed) as session:
        world = make_world(session)
        made = [make_campaign(session, world.listing, published_at=published_at) for _ in range(3)]
        for campaign in made:
            campaign.ended_at = published_at + DAY
        first, broken, last = sorted(made, key=lambda one: one.id)
        campaigns.newest_version(session, broken).definition = {"triggers": "unreadable"}

    jobs.count()

    with transaction(committed) as session:
        counted = set(session.scalars(select(CampaignRound.campaign_id)))
        assert counted == {first.id, last.id}
