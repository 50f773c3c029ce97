"""Campaigns made, changed, put up for review, published and ended."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts import queries as accounts
from geoservices.campaigns import (
    definitions,
    place_queries,
    queries,
    seat_queries,
)
from geoservices.campaigns.checking import faults, obstacles
from geoservices.campaigns.definitions import Definition
from geoservices.campaigns.drafts import CampaignDraft, Draft
from geoservices.campaigns.estimating import Estimate
from geoservices.campaigns.forecasting import forecast
from geoservices.campaigns.lifecycle import State, state_of
from geoservices.campaigns.models import Campaign, CampaignVersion
from geoservices.campaigns.timetables import next_of
from geoservices.errors import ErrorKind, Forbidden, GeoservicesError, IdTaken, NotFound
from geoservices.listings import queries as listing_queries
from geoservices.listings import service as listings
from geoservices.places import service as places
from geoservices.settings.service import Settings


class CampaignInReview(GeoservicesError):
    """What somebody is to look at does not change meanwhile."""

    kind = ErrorKind.CONFLICT
    code = "campaign-in-review"
    title = "The campaign is in review"

    def __init__(self) -> None:
        super().__init__("Take it back from review first, or publish it as it is.")


class CampaignEnded(GeoservicesError):
    """A campaign that has ended stays as it was."""

    kind = ErrorKind.CONFLICT
    code = "campaign-ended"
    title = "The campaign has ended"

    def __init__(self) -> None:
        super().__init__("Make another one: what ended does not begin again.")


class CampaignPublished(GeoservicesError):
    """Something was to be changed that stays as it was published."""

    kind = ErrorKind.CONFLICT
    code = "campaign-published"
    title = "The campaign is published"


def make_campaign(
    session: Session,
    said: CampaignDraft,
    *,
    campaign_id: UUID | None,
    grant: Grant,
    at: datetime,
) -> tuple[Campaign, bool]:
    """Store a draft campaign; the same id and content again changes nothing.

    Returns:
        The campaign, and whether it was made just now.

    Raises:
        NotFound: The listing is not the organisation's.
        Forbidden: Only some places are within reach, and no listing is named.
        GeoservicesError: Something in it is wrong (`checking.faults`).
        IdTaken: The id belongs to a campaign with other content.
    """
    _refuse(faults(session, _draft(session, said, grant), grant))
    campaign = Campaign(
        id=campaign_id or uuid4(),
        organisation_id=grant.organisation_id,
        listing_id=said.listing_id,
        name=said.name,
        purpose=said.purpose,
        campaign_class=said.campaign_class,
        version=1,
        created_at=at,
    )
    made = queries.insert_if_new(session, campaign)
    if made:
        session.add(_version(campaign.id, 1, said, grant, at))
        session.flush()
    known = queries.campaign_by_id(session, campaign.id)
    if known is None or known.organisation_id != grant.organisation_id:
        raise IdTaken("campaign")
    if _said(session, known) != said:
        raise IdTaken("campaign")
    return known, made


def get_campaign(session: Session, campaign_id: UUID, *, grant: Grant) -> Campaign:
    """Return one of the organisation's campaigns.

    Raises:
        NotFound: There is none, or it is another organisation's, or out of reach.
    """
    campaign = queries.campaign_by_id(session, campaign_id)
    if campaign is None or campaign.organisation_id != grant.organisation_id:
        raise NotFound("campaign")
    if campaign.listing_id is not None:
        places.check_reach(session, _place_id(session, campaign.listing_id), grant, "campaign")
    elif grant.actor.reach is not None:
        raise NotFound("campaign")
    return campaign


def draft_of(session: Session, campaign: Campaign, *, grant: Grant) -> Draft:
    """Return what a campaign says now, with its listing and organisation."""
    return _draft(session, _said(session, campaign), grant)


def replace_campaign(
    session: Session,
    campaign_id: UUID,
    said: CampaignDraft,
    *,
    grant: Grant,
    settings: Settings,
    at: datetime,
) -> Campaign:
    """Say something else: in a draft, or from now on in a campaign that is published.

    Each change is a version of its own. What has happened before is decided on as before.

    Raises:
        NotFound: There is no such campaign or listing of the organisation's.
        GeoservicesError: Something in it is wrong (`checking.faults`), or in a published campaign
            would be (`checking.obstacles`).
        CampaignInReview: It is to be looked at as it is.
        CampaignPublished: Its purpose, class or listing would change.
        CampaignEnded: It has ended.
    """
    accounts.keep_organisation(session, grant.organisation_id)
    campaign = _held(session, campaign_id, grant)
    draft = _draft(session, said, grant)
    before = queries.newest_version(session, campaign)
    state = state_at(campaign, before, at)
    if state is State.ENDED:
        raise CampaignEnded
    if state is State.REVIEW:
        raise CampaignInReview
    _refuse(faults(session, draft, grant))
    if state is not State.DRAFT:
        _check_stays(campaign, definitions.read(before.definition), said)
        _check_obstacles(session, campaign, draft, grant=grant, settings=settings, at=at)
    for name in ("listing_id", "name", "purpose", "campaign_class"):
        setattr(campaign, name, getattr(said, name))
    if definitions.read(before.definition) == said.definition:
        return campaign
    campaign.version += 1
    version = _version(campaign.id, campaign.version, said, grant, at)
    session.add(version)
    session.flush()
    if state is not State.DRAFT:
        before.in_force_until, before.runs_next_at = at, None
        # What the one before that told is decided long since.
        place_queries.listen_no_more(session, campaign.id, before=before.number)
        _put_in_force(session, campaign, version, grant=grant, at=at)
        # Last, and only for another number: it waits for those who decide, and they for it.
        most = said.definition.audience.at_most
        if most is not None and most != definitions.read(before.definition).audience.at_most:
            seat_queries.limit_seats(session, campaign.id, most)
    return campaign


def submit_campaign(session: Session, campaign_id: UUID, *, grant: Grant, at: datetime) -> Campaign:
    """Put a draft up for review, in which it does not change; twice is as good as once.

    Raises:
        NotFound: There is no such campaign of the organisation's.
        CampaignPublished: It is published.
        CampaignEnded: It has ended.
    """
    campaign = _held(session, campaign_id, grant)
    if campaign.ended_at is not None:
        raise CampaignEnded
    if campaign.published_at is not None:
        raise CampaignPublished("It is past review.")
    campaign.submitted_at = campaign.submitted_at or at
    return campaign


def take_back_campaign(session: Session, campaign_id: UUID, *, grant: Grant) -> Campaign:
    """Make a draft of a campaign in review again; of a draft too, which changes nothing.

    Raises:
        NotFound: There is no such campaign of the organisation's.
        CampaignPublished: It is published.
    """
    campaign = _held(session, campaign_id, grant)
    if campaign.published_at is not None:
        raise CampaignPublished("End it instead; what was published is not a draft again.")
    campaign.submitted_at = None
    return campaign


def publish_campaign(
    session: Session, campaign_id: UUID, *, grant: Grant, settings: Settings, at: datetime
) -> Campaign:
    """Let a campaign speak from now on, or from when it starts; twice is as good as once.

    Raises:
        NotFound: There is no such campaign of the organisation's, or its place is no longer shared.
        CampaignEnded: It has ended.
        GeoservicesError: Something speaks against it (`checking.faults`, `checking.obstacles`).
    """
    # Its language may change only before what is said in it was checked, or after it can be seen.
    accounts.keep_organisation(session, grant.organisation_id)
    campaign = _held(session, campaign_id, grant)
    if campaign.listing_id is not None:
        places.get_place_for(session, _place_id(session, campaign.listing_id), grant)
    if campaign.published_at is not None:
        return campaign
    if campaign.ended_at is not None:
        raise CampaignEnded
    draft = draft_of(session, campaign, grant=grant)
    _refuse(faults(session, draft, grant))
    _check_obstacles(session, campaign, draft, grant=grant, settings=settings, at=at)
    campaign.submitted_at = campaign.submitted_at or at
    campaign.published_at = at
    version = queries.newest_version(session, campaign)
    _put_in_force(session, campaign, version, grant=grant, at=at)
    if (most := draft.said.definition.audience.at_most) is not None:
        seat_queries.limit_seats(session, campaign.id, most)
    return campaign


def end_campaign(session: Session, campaign_id: UUID, *, grant: Grant, at: datetime) -> Campaign:
    """Let a campaign speak no more; twice is as good as once.

    Raises:
        NotFound: There is no such campaign of the organisation's.
    """
    campaign = _held(session, campaign_id, grant)
    campaign.ended_at = campaign.ended_at or at
    queries.newest_version(session, campaign).runs_next_at = None
    place_queries.listen_no_more(session, campaign.id)
    return campaign


def state_at(campaign: Campaign, version: CampaignVersion, at: datetime) -> State:
    """Return how far a campaign has come; `version` is its newest."""
    return state_of(
        submitted_at=campaign.submitted_at,
        published_at=campaign.published_at,
        ended_at=campaign.ended_at,
        starts_at=version.starts_at,
        ends_at=version.ends_at,
        at=at,
    )


def _held(session: Session, campaign_id: UUID, grant: Grant) -> Campaign:
    campaign = get_campaign(session, campaign_id, grant=grant)
    queries.hold(session, campaign)
    return campaign


def _put_in_force(
    session: Session, campaign: Campaign, version: CampaignVersion, *, grant: Grant, at: datetime
) -> None:
    definition = definitions.read(version.definition)
    where = definition.places
    version.in_force_from = at
    # Whoever is limited to some places was seen to have the listing's place within reach.
    if where is not None and grant.actor.reach is not None:
        version.reach = grant.actor.reach.stored()
    place_queries.listen(session, version, where, listing_id=campaign.listing_id)
    time_zone = accounts.organisation_by_id(session, campaign.organisation_id).time_zone
    version.runs_next_at = next_of(definition, time_zone=time_zone, after=at)
    session.flush()


def _check_obstacles(
    session: Session,
    campaign: Campaign,
    draft: Draft,
    *,
    grant: Grant,
    settings: Settings,
    at: datetime,
) -> None:
    smallest = settings.statistics.smallest_count

    def ask() -> Estimate:
        return forecast(session, draft, campaign.id, grant=grant, smallest=smallest, at=at)

    _refuse(obstacles(session, draft, grant, estimate=ask, settings=settings, at=at))


def _check_stays(campaign: Campaign, before: Definition, said: CampaignDraft) -> None:
    for name, words in (
        ("purpose", "The purpose is what people agreed to, and"),
        ("campaign_class", "The class"),
        ("listing_id", "The listing"),
    ):
        if getattr(campaign, name) != getattr(said, name):
            raise CampaignPublished(
                f"{words} stays as it was published. End the campaign, and make another one.",
                field=f"/{name}",
            )
    # Whom it told is counted from the first one on, or not at all.
    if (before.audience.at_most is None) is not (said.definition.audience.at_most is None):
        raise CampaignPublished(
            "Whether it tells so many people at most stays as it was published; how many may "
            "change. End the campaign, and make another one.",
            field="/audience/at_most",
        )


def _version(
    campaign_id: UUID, number: int, said: CampaignDraft, grant: Grant, at: datetime
) -> CampaignVersion:
    return CampaignVersion(
        campaign_id=campaign_id,
        number=number,
        definition=definitions.stored(said.definition),
        starts_at=said.definition.schedule.starts_at,
        ends_at=said.definition.schedule.ends_at,
        made_at=at,
        made_by=grant.actor.person_id,
    )


def _said(session: Session, campaign: Campaign) -> CampaignDraft:
    version = queries.newest_version(session, campaign)
    return CampaignDraft(
        listing_id=campaign.listing_id,
        name=campaign.name,
        purpose=campaign.purpose,
        campaign_class=campaign.campaign_class,
        definition=definitions.read(version.definition),
    )


def _draft(session: Session, said: CampaignDraft, grant: Grant) -> Draft:
    if said.listing_id is None and grant.actor.reach is not None:
        raise Forbidden("You manage only some places. Name a listing that is at one of them.")
    id_ = said.listing_id
    return Draft(
        said=said,
        listing=listings.get_listing(session, id_, grant=grant) if id_ else None,
        organisation=accounts.organisation_by_id(session, grant.organisation_id),
    )


def _place_id(session: Session, listing_id: UUID) -> UUID:
    return listing_queries.by_id(session, [listing_id])[listing_id].place_id


def _refuse(found: Iterable[GeoservicesError]) -> None:
    for one in found:
        raise one
