"""What an organisation is told of its campaigns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.campaigns import definitions
from geoservices.campaigns import queries as campaign_queries
from geoservices.campaigns import service as campaigns
from geoservices.campaigns.definitions import Definition, GoalKind
from geoservices.campaigns.lifecycle import State
from geoservices.campaigns.models import Campaign, CampaignVersion
from geoservices.outcomes import queries
from geoservices.outcomes.models import CampaignRound
from geoservices.outcomes.rounds import Group
from geoservices.outcomes.summing import Result, Round, add_up, choose, judge_work
from geoservices.outcomes.wording import summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A campaign, what came of it by the rounds that were asked for, and all of it in words.

    `is_final` tells whether nothing more will be counted.
    """

    campaign: Campaign
    state: State
    said: Definition
    rounds: Sequence[Round]
    result: Result
    is_final: bool
    summary: Sequence[str]


def outcome(
    session: Session,
    campaign_id: UUID,
    *,
    grant: Grant,
    version: int | None,
    first: date | None,
    last: date | None,
    smallest: int,
    at: datetime,
) -> Outcome:
    """Tell what came of a campaign, by what was counted of it and is never counted again.

    Args:
        session: The transaction to read in.
        campaign_id: Which campaign.
        grant: Whoever asks.
        version: Only rounds in which this version alone was in force.
        first: Only rounds that begin on this day or later.
        last: Only rounds that end on this day or earlier.
        smallest: So many people must be in a group for it to be told.
        at: Now.

    Raises:
        NotFound: There is no such campaign of the organisation's.
    """
    campaign = campaigns.get_campaign(session, campaign_id, grant=grant)
    newest = campaign_queries.newest_version(session, campaign)
    said = definitions.read(newest.definition)
    counted = queries.rounds_of(session, campaign_id)
    versions = queries.versions_in_force(session, campaign_id)
    rounds = choose(
        [_read(one, versions) for one in counted], version=version, first=first, last=last
    )
    result = add_up(rounds, said.goal, effort=said.effort, smallest=smallest)
    task_id = campaign.listing_id
    if task_id is not None and said.goal is not None and said.goal.kind is GoalKind.DONE:
        done_at = queries.done_at(session, task_id)
        verdict = judge_work(said.goal, published_at=campaign.published_at, done_at=done_at, at=at)
        result = replace(result, verdict=verdict)
    return Outcome(
        campaign=campaign,
        state=campaigns.state_at(campaign, newest, at),
        said=said,
        rounds=rounds,
        result=result,
        is_final=any(one.is_last for one in counted),
        summary=summary(said, rounds, result, smallest=smallest),
    )


def _read(row: CampaignRound, versions: Sequence[CampaignVersion]) -> Round:
    return Round(
        first_day=row.first_day,
        last_day=row.last_day,
        goal=definitions.read_goal(row.goal),
        versions=tuple(
            one.number
            for one in versions
            if one.in_force_from is not None
            and one.in_force_from < row.ends_at
            and (one.in_force_until is None or one.in_force_until > row.starts_at)
        ),
        groups=tuple(msgspec.convert(row.groups, list[Group])),
    )
