"""What a draft would send, by what was recorded and by whom its runs are for."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.campaigns import recorded_queries
from geoservices.campaigns.drafts import Draft
from geoservices.campaigns.estimating import LOOKED_BACK, Estimate, estimate, estimate_runs
from geoservices.campaigns.reaching import count_of_a_run
from geoservices.campaigns.rules import BY_RUNS, CampaignClass
from geoservices.campaigns.speaking import weekly_of
from geoservices.campaigns.timetables import first_week
from geoservices.scopes import everywhere


def forecast(
    session: Session,
    draft: Draft,
    campaign_id: UUID,
    *,
    grant: Grant,
    smallest: int,
    at: datetime,
) -> Estimate:
    """Return what a draft would have sent lately, and what its runs come to (`estimating`).

    Of few people nothing is told.
    """
    # Who came is nobody's but theirs to see.
    with everywhere(session):
        recorded = recorded_queries.recorded(session, draft, grant, since=at - LOOKED_BACK)
    definition, organisation = draft.said.definition, draft.organisation
    weekly = weekly_of(definition, organisation)
    class_ = CampaignClass(draft.said.campaign_class)
    found = estimate(
        recorded,
        definition,
        weekly=weekly,
        campaign_id=campaign_id,
        campaign_class=class_,
        smallest=smallest,
    )
    if BY_RUNS.isdisjoint(definition.triggers):
        return found
    runs = estimate_runs(
        count_of_a_run(session, draft),
        first_week(definition, time_zone=organisation.time_zone, after=at),
        definition,
        weekly=weekly,
        campaign_id=campaign_id,
        campaign_class=class_,
        smallest=smallest,
    )
    return replace(found, runs=runs)
