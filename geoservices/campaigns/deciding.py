"""Campaigns decide on what happens, and say what is to be sent."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.accounts.models import Organisation, Person
from geoservices.campaigns import definitions, place_queries, queries
from geoservices.campaigns.audiences import Listener, fits, is_held_out
from geoservices.campaigns.chances import Draw, lot, pick
from geoservices.campaigns.definitions import Channel, Definition, Text, Variant
from geoservices.campaigns.lifecycle import counts_for
from geoservices.campaigns.models import Campaign, CampaignVersion, Decision
from geoservices.campaigns.place_queries import Listening
from geoservices.campaigns.rules import (
    CampaignClass,
    Circumstances,
    Limits,
    Terms,
    Trigger,
    decide,
)
from geoservices.campaigns.windows import Weekly
from geoservices.campaigns.wording import Figures, choose_text, fill
from geoservices.listings.models import Listing
from geoservices.places.hours import OpenState, hours_at
from geoservices.places.models import Place
from geoservices.places.service import is_sensitive
from geoservices.settings.presence import CampaignSettings

Pair = tuple[UUID, UUID]


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

    @property
    def key(self) -> UUID | None:
        """Whichever of the two ids is set."""
        return self.transition_id or self.check_in_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a decision is to send, in the person's language: `pushed`, or in the inbox alone."""

    decision: Decision
    campaign: Campaign
    listing: Listing
    text: Text
    pushed: bool = True


def triggered_by(
    session: Session, occasions: Sequence[Occasion], *, limits: Limits, at: datetime
) -> list[Message]:
    """Let every campaign that listens decide on every occasion, and record each decision.

    An occasion a campaign decided on before is passed over, so that a job may run twice.

    Returns:
        What is to be sent.
    """
    accounts.lock_people(session, [occasion.person.id for occasion in occasions])
    listening = _listening(session, occasions, at)
    purposes = accounts.purposes_of(session, [occasion.person.id for occasion in occasions])
    decided = _decided(session, occasions)
    history = _history(session, occasions, listening, since=at - limits.person_cap_window, at=at)
    sent: list[Message] = []
    for occasion in occasions:
        agreed = frozenset(purposes.get(occasion.person.id, ()))
        for speaker in listening[occasion.place.id]:
            if (speaker.campaign.id, occasion.key) in decided:
                continue
            if not _hears(speaker, occasion, history):
                continue
            about = _circumstances(occasion, speaker, history, purposes=agreed, at=at)
            decision = _decide(occasion, speaker, about, limits, at)
            session.add(decision)
            if decision.gate is None:
                history.add(decision, speaker.campaign)
                sent.append(_say(decision, speaker, occasion))
    session.flush()
    return sent


def limits_of(settings: CampaignSettings) -> Limits:
    """Return what holds for every campaign, from the settings."""
    return Limits(
        max_age=settings.max_age,
        person_cap=settings.person_cap,
        person_cap_window=settings.person_cap_window,
    )


def weekly_of(definition: Definition, organisation: Organisation) -> Weekly:
    """Return a definition's weekly windows, in its own time zone or the organisation's."""
    schedule = definition.schedule
    return Weekly(windows=schedule.windows, time_zone=schedule.time_zone or organisation.time_zone)


def figures_of(
    listing: Listing, organisation: Organisation, *, place: str, time_zone: str
) -> Figures:
    """Return what stands in place of a text's placeholders, at a place of that name."""
    return Figures(
        place=place,
        listing=listing.title,
        organisation=organisation.name,
        starts_at=listing.starts_at,
        ends_at=listing.ends_at,
        time_zone=time_zone,
    )


def variant_for(definition: Definition, *, campaign_id: UUID, person_id: UUID) -> Variant:
    """Return the way of saying it that the lot gives to somebody: always the same."""
    chance = lot(Draw.VARIANT, campaign_id, person_id)
    return definition.content[pick([one.weight for one in definition.content], chance)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speaker:
    """A version that may speak at a place."""

    campaign: Campaign
    version: CampaignVersion
    definition: Definition
    listing: Listing
    organisation: Organisation

    @classmethod
    def of(cls, listening: Listening) -> "_Speaker":
        return cls(
            campaign=listening.campaign,
            version=listening.version,
            definition=definitions.read(listening.version.definition),
            listing=listening.listing,
            organisation=listening.organisation,
        )


@dataclass(slots=True, kw_only=True)
class _History:
    """What the people of a batch were told and are, read once and kept up as it is decided."""

    told: dict[UUID, int]
    last: dict[Pair, Decision]
    of_open_visits: set[UUID]
    by_campaign: dict[Pair, list[datetime]] = field(default_factory=dict)
    """When each campaign with a cap of its own told each person."""
    teams: Mapping[UUID, frozenset[UUID]] = field(default_factory=dict)
    came: Mapping[Pair, Sequence[datetime]] = field(default_factory=dict)
    """When each person came to each place, if any campaign asks."""

    def add(self, decision: Decision, campaign: Campaign) -> None:
        """The next decision about this person must see this one."""
        if campaign.campaign_class != CampaignClass.CRITICAL:
            self.told[decision.person_id] = self.told.get(decision.person_id, 0) + 1
        self.last[campaign.id, decision.person_id] = decision
        self.by_campaign.setdefault((campaign.id, decision.person_id), []).append(
            decision.decided_at
        )


def _history(
    session: Session,
    occasions: Sequence[Occasion],
    listening: Mapping[UUID, Sequence[_Speaker]],
    *,
    since: datetime,
    at: datetime,
) -> _History:
    people = {occasion.person.id for occasion in occasions}
    speakers = [speaker for there in listening.values() for speaker in there]
    last = queries.last_told(session, [speaker.campaign.id for speaker in speakers], people)
    visited = {occasion.transition_id for occasion in occasions}
    visited |= {decision.transition_id for decision in last.values()}
    history = _History(
        told=queries.told_since(session, people, since=since),
        last=last,
        of_open_visits=queries.of_open_visits(session, filter(None, visited)),
    )
    # Most campaigns ask for none of these.
    if caps := {one.campaign.id: one.definition.cap for one in speakers if one.definition.cap}:
        longest = max(cap.within for cap in caps.values())
        history.by_campaign = queries.told_by(session, caps, people, since=at - longest)
    audiences = [speaker.definition.audience for speaker in speakers]
    if any(audience.team_ids for audience in audiences):
        history.teams = queries.teams_of(session, people)
    if spans := [one.visited_within for one in audiences if one.visited is not None]:
        first = min(occasion.occurred_at for occasion in occasions)
        places = {occasion.place.id for occasion in occasions}
        history.came = queries.came_since(session, people, places, since=first - max(spans))
    return history


def _listening(
    session: Session, occasions: Sequence[Occasion], at: datetime
) -> Mapping[UUID, Sequence[_Speaker]]:
    found: dict[UUID, list[_Speaker]] = defaultdict(list)
    for one in place_queries.listening_to(
        session, [occasion.place.id for occasion in occasions], at=at
    ):
        found[one.place_id].append(_Speaker.of(one))
    return found


def _decided(session: Session, occasions: Sequence[Occasion]) -> set[Pair]:
    return queries.decided_already(
        session,
        [occasion.transition_id for occasion in occasions if occasion.transition_id],
        [occasion.check_in_id for occasion in occasions if occasion.check_in_id],
    )


def _hears(speaker: _Speaker, occasion: Occasion, history: _History) -> bool:
    person, campaign, definition = occasion.person, speaker.campaign, speaker.definition
    if occasion.trigger not in definition.triggers or not counts_for(
        in_force_from=speaker.version.in_force_from,
        in_force_until=speaker.version.in_force_until,
        published_at=campaign.published_at,
        occurred_at=occasion.occurred_at,
    ):
        return False
    starts_at = definition.schedule.starts_at
    if starts_at is not None and occasion.occurred_at < starts_at:
        return False
    ours = person.organisation_id in {None, campaign.organisation_id}
    if person.disabled_at is not None or not ours:
        return False
    listener = Listener(
        person_id=person.id,
        role=person.role,
        language=person.language or speaker.organisation.language,
        team_ids=history.teams.get(person.id, frozenset()),
        came=history.came.get((person.id, occasion.place.id), ()),
    )
    return fits(
        definition.audience, listener, campaign_id=campaign.id, occurred_at=occasion.occurred_at
    )


def _circumstances(
    occasion: Occasion,
    speaker: _Speaker,
    history: _History,
    *,
    purposes: frozenset[str],
    at: datetime,
) -> Circumstances:
    person, place = occasion.person, occasion.place
    pair = (speaker.campaign.id, person.id)
    hours = hours_at(place.opening_hours, time_zone=place.time_zone, at=at)
    last = history.last.get(pair)
    cap = speaker.definition.cap
    since = at - (cap.within if cap else timedelta(0))
    return Circumstances(
        occurred_at=occasion.occurred_at,
        confidence=occasion.confidence,
        purposes=purposes,
        sensitive=is_sensitive(place, occasion.occurred_at) or is_sensitive(place, at),
        open_state=hours.state,
        opens_at=hours.changes_at if hours.state is OpenState.CLOSED else None,
        unclaimable=speaker.listing.why_not(place, at=at),
        time_zone=person.time_zone,
        quiet_from=person.quiet_from,
        quiet_until=person.quiet_until,
        told_in_window=history.told.get(person.id, 0),
        told_by_campaign=sum(told > since for told in history.by_campaign.get(pair, ())),
        last_told_at=last.decided_at if last else None,
        told_this_visit=last is not None and last.transition_id in history.of_open_visits,
        held_out=is_held_out(
            speaker.definition.audience, campaign_id=speaker.campaign.id, person_id=person.id
        ),
    )


def _decide(
    occasion: Occasion, speaker: _Speaker, about: Circumstances, limits: Limits, at: datetime
) -> Decision:
    ruling = decide(_terms(speaker, occasion.trigger), about, limits=limits, at=at)
    return Decision(
        id=uuid4(),
        organisation_id=speaker.campaign.organisation_id,
        campaign_id=speaker.campaign.id,
        version=speaker.version.number,
        trigger=occasion.trigger,
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


def _terms(speaker: _Speaker, trigger: Trigger) -> Terms:
    definition = speaker.definition
    return Terms(
        trigger=trigger,
        campaign_class=CampaignClass(speaker.campaign.campaign_class),
        purpose=speaker.campaign.purpose,
        min_confidence=definition.min_confidence,
        only_when_open=definition.only_when_open,
        cooldown=definition.cooldown,
        weekly=weekly_of(definition, speaker.organisation),
        cap=definition.cap,
    )


def _say(decision: Decision, speaker: _Speaker, occasion: Occasion) -> Message:
    person, place = occasion.person, occasion.place
    variant = variant_for(speaker.definition, campaign_id=speaker.campaign.id, person_id=person.id)
    _, text = choose_text(variant, language=person.language, default=speaker.organisation.language)
    decision.variant = variant.name
    figures = figures_of(
        speaker.listing, speaker.organisation, place=place.name, time_zone=place.time_zone
    )
    return Message(
        decision=decision,
        campaign=speaker.campaign,
        listing=speaker.listing,
        text=fill(text, figures),
        pushed=speaker.definition.channel is Channel.PUSH,
    )
