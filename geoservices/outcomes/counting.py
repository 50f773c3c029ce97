"""Rounds of campaigns counted, each once and for good."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.calendars import recurrence
from geoservices.campaigns import definitions
from geoservices.campaigns import queries as campaigns
from geoservices.campaigns.definitions import Definition, GoalKind, PlaceSet
from geoservices.campaigns.models import Campaign, CampaignVersion
from geoservices.events.models import Event
from geoservices.listings import queries as listings
from geoservices.offers.models import Offer
from geoservices.outcomes import goal_queries, queries
from geoservices.outcomes.goal_queries import Deeds
from geoservices.outcomes.models import CampaignRound
from geoservices.outcomes.queries import Followed
from geoservices.outcomes.rounds import AT_LEAST, MOST_DAYS, MOST_DAYS_OF, next_round
from geoservices.settings.service import Settings
from geoservices.statistics.counting import midnight

MOST_OCCURRENCES = 1000
"""Of an event while a round and its goal last: none recurs within a day, so there are fewer."""
DAY = timedelta(days=1)


def count_next_round(
    session: Session, campaign_id: UUID, *, settings: Settings, at: datetime
) -> CampaignRound | None:
    """Count a campaign's next round, once all in it had the time that the goal gives them.

    Args:
        session: The transaction to count in, which sees everybody's rows. Nobody else counts the
            campaign meanwhile.
        campaign_id: Which campaign.
        settings: The service's.
        at: Now.

    Returns:
        The round; None if it goes on, there is none any more, or someone else is counting.
    """
    campaign = queries.hold_campaign(session, campaign_id)
    before = queries.newest_round(session, campaign_id)
    if campaign is None or campaign.published_at is None or (before and before.is_last):
        return None
    version = campaigns.newest_version(session, campaign)
    definition = definitions.read(version.definition)
    zone = accounts.organisation_by_id(session, campaign.organisation_id).time_zone
    most_days = _most_days(definition)
    begins_at = before.ends_at if before else _begins_at(campaign, version, zone)
    over_at = _over_at(campaign, version, at)
    days = _days(begins_at, over_at, zone, most_days)
    settled = at - _window(definition) - settings.statistics.count_after
    ready = [bound for bound in days if bound <= settled]
    if ready[1:] == []:
        return None
    followed = _followed(session, campaign, definition, ready, settings)
    found = next_round(
        queries.people_met(session, campaign, ready, followed),
        days=len(ready) - 1,
        most_days=most_days,
        is_over=over_at is not None and over_at <= ready[-1],
        smallest=settings.statistics.smallest_count,
    )
    if found is None:
        return None
    length, groups = found
    ends_at = ready[length]
    made = CampaignRound(
        campaign_id=campaign.id,
        number=before.number + 1 if before else 1,
        organisation_id=campaign.organisation_id,
        first_day=_day_of(begins_at, zone),
        last_day=_day_of(ends_at, zone) - DAY,
        starts_at=begins_at,
        ends_at=ends_at,
        is_last=over_at is not None and over_at <= ends_at,
        goal=definitions.stored_goal(definition.goal),
        groups=[asdict(one) for one in groups],
        counted_at=at,
    )
    session.add(made)
    session.flush()
    return made


def _most_days(definition: Definition) -> int:
    kind = definition.goal.kind if definition.goal else None
    return MOST_DAYS_OF.get(kind, MOST_DAYS)


def _window(definition: Definition) -> timedelta:
    return max(AT_LEAST, definition.goal.within) if definition.goal else AT_LEAST


def _begins_at(campaign: Campaign, version: CampaignVersion, zone: str) -> datetime:
    first = max(filter(None, (campaign.published_at, version.starts_at)))
    return midnight(_day_of(first, zone), time_zone=zone)


def _over_at(campaign: Campaign, version: CampaignVersion, at: datetime) -> datetime | None:
    ends = [end for end in (campaign.ended_at, version.ends_at) if end is not None and end <= at]
    return min(ends, default=None)


def _days(begins_at: datetime, over_at: datetime | None, zone: str, most: int) -> list[datetime]:
    """Return when days begin, and when the last one ends: at most so many, none once it is over."""
    bounds = [begins_at]
    while len(bounds) <= most and (len(bounds) == 1 or over_at is None or bounds[-1] < over_at):
        bounds.append(midnight(_day_of(bounds[-1], zone) + DAY, time_zone=zone))
    return bounds


def _day_of(instant: datetime, zone: str) -> date:
    return instant.astimezone(ZoneInfo(zone)).date()


def _followed(
    session: Session,
    campaign: Campaign,
    definition: Definition,
    bounds: Sequence[datetime],
    settings: Settings,
) -> Followed:
    goal = definition.goal
    if goal is None:
        return Followed(window=AT_LEAST, within=AT_LEAST)
    from_, until = bounds[0], bounds[-1] + goal.within
    return Followed(
        window=_window(definition),
        within=goal.within,
        opening=goal.kind is GoalKind.OPENED,
        deed=_deed(session, campaign, definition, goal.kind, from_, until, settings),
    )


def _deed(
    session: Session,
    campaign: Campaign,
    definition: Definition,
    kind: GoalKind,
    from_: datetime,
    until: datetime,
    settings: Settings,
) -> Deeds | None:
    listing = None
    if campaign.listing_id is not None:
        listing = listings.by_id(session, [campaign.listing_id]).get(campaign.listing_id)
    if kind is GoalKind.CHECKED_IN:
        of_listing = PlaceSet(ids=(listing.place_id,) if listing else ())
        places = definition.places or of_listing
        return goal_queries.checking_in(places, campaign.organisation_id, from_=from_, until=until)
    if kind is GoalKind.REDEEMED and isinstance(listing, Offer):
        return goal_queries.redeeming(listing.id)
    if kind is GoalKind.SIGNED_UP and isinstance(listing, Event):
        return goal_queries.signing_up(listing.id)
    if kind is GoalKind.ATTENDED and isinstance(listing, Event) and listing.series is not None:
        off = goal_queries.called_off(session, listing.id)
        spans = recurrence.spans(since=from_, until=until, limit=MOST_OCCURRENCES, **listing.series)
        on = [one for one in spans if one.starts_at not in off]
        early = settings.events.attend_early
        return goal_queries.attending(listing, on, early=early) if on else None
    return None
