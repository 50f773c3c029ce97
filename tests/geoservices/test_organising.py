"""What follows when an organisation says something else of itself."""

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Thread

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import organising
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right
from geoservices.campaigns import beginning, definitions, service
from geoservices.campaigns import queries as campaigns
from geoservices.campaigns.definitions import Timetable
from geoservices.campaigns.rules import Trigger
from geoservices.campaigns.run_models import CampaignRun
from geoservices.campaigns.timetables import next_of
from geoservices.campaigns.wording import TextMissing
from geoservices.database import SessionFactory, transaction
from geoservices.errors import GeoservicesError
from geoservices.organising import CampaignsWithoutText, OrganisationDraft
from tests.campaigning import make_world
from tests.factories import make_campaign
from tests.walking import SETTINGS


@pytest.mark.parametrize("first", ["publish", "change"])
def test_publishing_and_another_language_wait_for_each_other(
    committed: SessionFactory, first: str
) -> None:
    """Whoever comes second sees what the first did, and is refused: it says nothing in Welsh."""
    with transaction(committed) as session:
        world = make_world(session)
        organisation_id = world.organisation.id
        grant = by_operator(organisation_id, Right.CAMPAIGNS_WRITE)
        campaign_id = make_campaign(session, world.listing, published_at=None).id
    refused: list[type[Exception]] = []

    def publish(session: Session) -> None:
        service.publish_campaign(
            session, campaign_id, grant=grant, settings=SETTINGS, at=CHANGED_AT
        )

    def change(session: Session) -> None:
        draft = OrganisationDraft(language="cy")
        organising.change_organisation(session, organisation_id, draft, at=CHANGED_AT)

    def act(do: Callable[[Session], None]) -> None:
        try:
            with transaction(committed) as session:
                do(session)
        except GeoservicesError as error:
            refused.append(type(error))

    earlier, later = (publish, change) if first == "publish" else (change, publish)
    other = Thread(target=act, args=(later,))
    with transaction(committed) as session:
        earlier(session)
        other.start()
        other.join(timeout=0.5)
        waited = other.is_alive()
    other.join()

    assert waited
    assert refused == [CampaignsWithoutText if first == "publish" else TextMissing]


EVERY_MORNING = "FREQ=DAILY;COUNT=200"
CHANGED_AT = datetime(2026, 6, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("own", "hour"),
    [pytest.param(None, 9, id="the organisation's"), pytest.param("Europe/London", 8, id="own")],
)
def test_timetables_go_by_the_new_clocks(session: Session, own: str | None, hour: int) -> None:
    """From the next run on, which is not missed; those with a zone of their own stay."""
    world = make_world(session)
    starts_at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    timetable = Timetable(starts_at=starts_at, rule=EVERY_MORNING, time_zone=own)
    campaign = make_campaign(session, world.listing, trigger=Trigger.SCHEDULE, timetable=timetable)
    version = campaigns.newest_version(session, campaign)
    version.runs_next_at = next_of(
        definitions.read(version.definition), time_zone="Europe/London", after=CHANGED_AT
    )
    session.flush()

    draft = OrganisationDraft(name="Devon", time_zone="UTC", language="en-GB")
    organising.change_organisation(session, world.organisation.id, draft, at=CHANGED_AT)
    due_at = datetime(2026, 6, 11, hour, tzinfo=UTC)

    assert version.runs_next_at == due_at
    assert beginning.begin_due(session, at=due_at, limit=9) == 1
    runs = session.scalars(select(CampaignRun).where(CampaignRun.campaign_id == campaign.id)).all()
    assert [run.occurred_at for run in runs] == [due_at]
