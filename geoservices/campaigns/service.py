"""Campaigns: made, published, ended, and deciding on what happens."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.access.rights import Role
from geoservices.accounts import queries as accounts
from geoservices.accounts.consents import TELLING, TEXTS
from geoservices.accounts.models import Person, Purpose
from geoservices.campaigns import queries
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.rules import (
    CampaignClass,
    Circumstances,
    Limits,
    Terms,
    Trigger,
    decide,
)
from geoservices.errors import ErrorKind, GeoservicesError, IdTaken, NotFound
from geoservices.listings import queries as listing_queries
from geoservices.listings import service as listings
from geoservices.listings.models import Listing, ListingKind
from geoservices.places import service as places
from geoservices.places.hours import OpenState, hours_at
from geoservices.places.models import Place
from geoservices.places.service import is_sensitive
from geoservices.settings.presence import CampaignSettings


class CampaignNotDraft(GeoservicesError):
    """A published campaign cannot be changed: what people were told must stay readable."""

    kind = ErrorKind.CONFLICT
    code = "campaign-not-draft"
    title = "The campaign is published"

    def __init__(self) -> None:
        super().__init__("End it and make a new one; a published campaign is not changed.")


class PurposeNotForAudience(GeoservicesError):
    """The campaign could never speak: its audience cannot agree to its purpose."""

    kind = ErrorKind.INVALID
    code = "purpose-not-for-audience"
    title = "The audience cannot agree to the purpose"

    def __init__(self, *, purpose: str, audience: str) -> None:
        super().__init__(
            f"The purpose {purpose} is never asked of the audience {audience}.", field="/purpose"
        )


class TaskNotForCitizens(GeoservicesError):
    """The listing is a task, and tasks are for staff."""

    kind = ErrorKind.INVALID
    code = "task-not-for-citizens"
    title = "A task is not for citizens"

    def __init__(self) -> None:
        super().__init__(
            "The listing is a task. Address the campaign to the audience staff.",
            field="/audience",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignDraft:
    """What a manager says of a campaign."""

    listing_id: UUID
    name: str
    trigger: str
    audience: str
    purpose: str
    campaign_class: str
    title: str
    body: str
    min_confidence: int
    only_when_open: bool
    cooldown: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A transition or check-in, with whom and where it concerns; exactly one id is set."""

    trigger: Trigger
    occurred_at: datetime
    confidence: int
    person: Person
    place: Place
    transition_id: UUID | None = None
    check_in_id: UUID | None = None


def make_campaign(
    session: Session,
    draft: CampaignDraft,
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
        PurposeNotForAudience: The audience cannot agree to the purpose.
        TaskNotForCitizens: The listing is a task and the audience citizens.
        IdTaken: The id belongs to a campaign with other content.
    """
    _check(session, draft, grant)
    campaign = Campaign(
        id=campaign_id or uuid4(),
        organisation_id=grant.organisation_id,
        created_at=at,
        **asdict(draft),
    )
    made = queries.insert_if_new(session, campaign)
    known = queries.campaign_by_id(session, campaign.id)
    if known is None or known.organisation_id != grant.organisation_id or not _says(known, draft):
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
    places.check_reach(session, _place_id(session, campaign), grant, "campaign")
    return campaign


def replace_campaign(
    session: Session, campaign_id: UUID, draft: CampaignDraft, *, grant: Grant
) -> Campaign:
    """Say something else in a draft.

    Raises:
        NotFound: There is no such campaign or listing of the organisation's.
        PurposeNotForAudience: The audience cannot agree to the purpose.
        TaskNotForCitizens: The listing is a task and the audience citizens.
        CampaignNotDraft: It is published.
    """
    campaign = get_campaign(session, campaign_id, grant=grant)
    if campaign.published_at:
        raise CampaignNotDraft
    _check(session, draft, grant)
    for name, value in asdict(draft).items():
        setattr(campaign, name, value)
    return campaign


def publish_campaign(
    session: Session, campaign_id: UUID, *, grant: Grant, at: datetime
) -> Campaign:
    """Let a campaign speak from now on; twice is as good as once.

    Raises:
        NotFound: There is no such campaign of the organisation's, or its place is no longer shared.
    """
    campaign = get_campaign(session, campaign_id, grant=grant)
    places.get_place_for(session, _place_id(session, campaign), grant)
    campaign.published_at = campaign.published_at or at
    return campaign


def end_campaign(session: Session, campaign_id: UUID, *, grant: Grant, at: datetime) -> Campaign:
    """Let a campaign speak no more; twice is as good as once.

    Raises:
        NotFound: There is no such campaign of the organisation's.
    """
    campaign = get_campaign(session, campaign_id, grant=grant)
    campaign.ended_at = campaign.ended_at or at
    return campaign


def triggered_by(
    session: Session, occasions: Sequence[Occasion], *, limits: Limits, at: datetime
) -> list[tuple[Decision, Campaign, Listing]]:
    """Let every campaign that listens decide on every occasion, and record each decision.

    An occasion a campaign decided on before is passed over, so that a job may run twice.

    Returns:
        The decisions to send, each with its campaign and listing.
    """
    accounts.lock_people(session, [occasion.person.id for occasion in occasions])
    listening = _listening(session, occasions, at)
    purposes = accounts.purposes_of(session, [occasion.person.id for occasion in occasions])
    decided = _decided(session, occasions)
    history = _history(session, occasions, listening, since=at - limits.person_cap_window)
    sent: list[tuple[Decision, Campaign, Listing]] = []
    for occasion in occasions:
        agreed = frozenset(purposes.get(occasion.person.id, ()))
        for campaign, listing in listening[occasion.place.id]:
            if not _hears(campaign, occasion) or (campaign.id, _key(occasion)) in decided:
                continue
            about = _circumstances(occasion, campaign, listing, history, purposes=agreed, at=at)
            decision = _decide(occasion, campaign, about, limits, at)
            session.add(decision)
            if decision.gate is None:
                history.add(decision, campaign)
                sent.append((decision, campaign, listing))
    session.flush()
    return sent


def limits_of(settings: CampaignSettings) -> Limits:
    """Return what holds for every campaign, from the settings."""
    return Limits(
        max_age=settings.max_age,
        person_cap=settings.person_cap,
        person_cap_window=settings.person_cap_window,
    )


@dataclass(slots=True)
class _History:
    """What the people of a batch were told, read once and kept up as the batch is decided."""

    told: dict[UUID, int]
    last: dict[tuple[UUID, UUID], Decision]
    of_open_visits: set[UUID]

    def add(self, decision: Decision, campaign: Campaign) -> None:
        """The next decision about this person must see this one."""
        if campaign.campaign_class != CampaignClass.CRITICAL:
            self.told[decision.person_id] = self.told.get(decision.person_id, 0) + 1
        self.last[campaign.id, decision.person_id] = decision


def _history(
    session: Session,
    occasions: Sequence[Occasion],
    listening: Mapping[UUID, list[tuple[Campaign, Listing]]],
    *,
    since: datetime,
) -> _History:
    people = {occasion.person.id for occasion in occasions}
    campaigns = [campaign.id for pairs in listening.values() for campaign, _ in pairs]
    last = queries.last_told(session, campaigns, people)
    visited = {occasion.transition_id for occasion in occasions}
    visited |= {decision.transition_id for decision in last.values()}
    return _History(
        told=queries.told_since(session, people, since=since),
        last=last,
        of_open_visits=queries.of_open_visits(session, filter(None, visited)),
    )


def _listening(
    session: Session, occasions: Sequence[Occasion], at: datetime
) -> Mapping[UUID, list[tuple[Campaign, Listing]]]:
    found: dict[UUID, list[tuple[Campaign, Listing]]] = defaultdict(list)
    for campaign, listing in queries.listening_to(
        session, [occasion.place.id for occasion in occasions], at=at
    ):
        found[listing.place_id].append((campaign, listing))
    return found


def _decided(session: Session, occasions: Sequence[Occasion]) -> set[tuple[UUID, UUID]]:
    return queries.decided_already(
        session,
        [occasion.transition_id for occasion in occasions if occasion.transition_id],
        [occasion.check_in_id for occasion in occasions if occasion.check_in_id],
    )


def _key(occasion: Occasion) -> UUID | None:
    return occasion.transition_id or occasion.check_in_id


def _hears(campaign: Campaign, occasion: Occasion) -> bool:
    person = occasion.person
    if person.disabled_at is not None:
        return False
    ours = person.organisation_id in {None, campaign.organisation_id}
    return campaign.trigger == occasion.trigger and campaign.audience == person.role and ours


def _circumstances(
    occasion: Occasion,
    campaign: Campaign,
    listing: Listing,
    history: _History,
    *,
    purposes: frozenset[str],
    at: datetime,
) -> Circumstances:
    person, place = occasion.person, occasion.place
    hours = hours_at(place.opening_hours, time_zone=place.time_zone, at=at)
    last = history.last.get((campaign.id, person.id))
    return Circumstances(
        occurred_at=occasion.occurred_at,
        confidence=occasion.confidence,
        purposes=purposes,
        sensitive=is_sensitive(place, occasion.occurred_at) or is_sensitive(place, at),
        open_state=hours.state,
        opens_at=hours.changes_at if hours.state is OpenState.CLOSED else None,
        unclaimable=listing.why_not(place, at=at),
        time_zone=person.time_zone,
        quiet_from=person.quiet_from,
        quiet_until=person.quiet_until,
        told_in_window=history.told.get(person.id, 0),
        last_told_at=last.decided_at if last else None,
        told_this_visit=last is not None and last.transition_id in history.of_open_visits,
    )


def _decide(
    occasion: Occasion, campaign: Campaign, about: Circumstances, limits: Limits, at: datetime
) -> Decision:
    ruling = decide(_terms(campaign), about, limits=limits, at=at)
    return Decision(
        id=uuid4(),
        organisation_id=campaign.organisation_id,
        campaign_id=campaign.id,
        person_id=occasion.person.id,
        place_id=occasion.place.id,
        transition_id=occasion.transition_id,
        check_in_id=occasion.check_in_id,
        gate=ruling.gate,
        reason=ruling.reason,
        gates_passed=[gate.value for gate in ruling.passed],
        detail=dict(ruling.detail),
        decided_at=at,
    )


def _place_id(session: Session, campaign: Campaign) -> UUID:
    return listing_queries.by_id(session, [campaign.listing_id])[campaign.listing_id].place_id


def _check(session: Session, draft: CampaignDraft, grant: Grant) -> None:
    listing = listings.get_listing(session, draft.listing_id, grant=grant)
    if listing.kind == ListingKind.TASK and draft.audience == Role.CITIZEN:
        raise TaskNotForCitizens
    purpose = Purpose(draft.purpose)
    if purpose not in TELLING or Role(draft.audience) not in TEXTS[purpose].roles:
        raise PurposeNotForAudience(purpose=draft.purpose, audience=draft.audience)


def _terms(campaign: Campaign) -> Terms:
    return Terms(
        trigger=Trigger(campaign.trigger),
        campaign_class=CampaignClass(campaign.campaign_class),
        purpose=campaign.purpose,
        min_confidence=campaign.min_confidence,
        only_when_open=campaign.only_when_open,
        cooldown=campaign.cooldown,
    )


def _says(campaign: Campaign, draft: CampaignDraft) -> bool:
    return all(getattr(campaign, name) == value for name, value in asdict(draft).items())
