"""Why a person was told of something, and why not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.rights import MEMBERS
from geoservices.accounts import queries as accounts
from geoservices.accounts.consent_texts import PublishedText
from geoservices.accounts.consents import PASSIVE, TEXTS, published
from geoservices.accounts.models import Person, Purpose
from geoservices.campaigns import deciding
from geoservices.campaigns import queries as campaigns
from geoservices.campaigns.models import Decision
from geoservices.campaigns.pacing import told_by
from geoservices.campaigns.rules import CampaignClass, Gate, Trigger
from geoservices.channels import service as channels
from geoservices.checkins.verification import Evidence
from geoservices.explanations import queries
from geoservices.explanations.queries import Behind
from geoservices.explanations.wording import (
    Cause,
    Fate,
    Finding,
    Hold,
    Ruled,
    Standing,
    how_to_stop,
    look_into,
    of_offer,
    why,
    with_its_fate,
)
from geoservices.interests import queries as interests
from geoservices.interests.models import Topic
from geoservices.interests.queries import TopicKey
from geoservices.languages import ENGLISH, look_up
from geoservices.listings import service as listings
from geoservices.offers import service as offers
from geoservices.offers.models import Offer
from geoservices.places import service as places
from geoservices.places.models import Place
from geoservices.scopes import everywhere
from geoservices.settings.service import Settings

A_DAY = timedelta(days=1)
LATELY = timedelta(days=7)
"""Decisions longer ago are not told beside how things stand; they are in the list of all."""
MOST_DECISIONS = 20
MOST_OFFERS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a person was told: in words, by which parts, and how it is stopped."""

    in_words: str
    cause: Cause
    how_to_stop: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFinding:
    """Whether a person could redeem an offer; if not, `refused_with` is the problem's code."""

    listing_id: UUID
    title: str
    refused_with: str | None
    in_words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A decision, in words for whom it was about, and what became of its message in the end."""

    decision: Decision
    became: Fate
    in_words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """Why a person was not told of anything at a place, or could not have what is offered there."""

    place: str
    held: Sequence[Told]
    findings: Sequence[Finding]
    offers: Sequence[OfferFinding]


def explain(session: Session, decision_ids: Iterable[UUID]) -> dict[UUID, Why]:
    """Return why each decision told its person, by the decision's id."""
    found = queries.behind(session, decision_ids)
    waited = {one.follows_id for one in found if one.follows_id is not None}
    holds = queries.holds_of(session, waited) if waited else {}
    topics = interests.topics_by_key(
        session, [TopicKey(one.organisation_id, key) for one in found for key in one.interests]
    )
    causes = {
        one.decision_id: _cause(one, holds[one.follows_id] if one.follows_id else (), topics)
        for one in found
    }
    return {
        decision_id: Why(in_words=why(cause), cause=cause, how_to_stop=how_to_stop(cause))
        for decision_id, cause in causes.items()
    }


def tell(session: Session, decisions: Sequence[Decision], *, time_zone: str) -> list[Told]:
    """Return what decisions about somebody mean to them, and what became of their messages."""
    waited = {one.follows_id or one.id for one in decisions if one.waits_until is not None}
    last = queries.last_of(session, waited) if waited else {}
    told: list[Told] = []
    for one in decisions:
        ruled, final = _ruled(one), _ruled(last.get(one.follows_id or one.id, one))
        said = with_its_fate(ruled, final, time_zone=time_zone)
        told.append(Told(decision=one, became=final.fate, in_words=said))
    return told


def why_not(
    session: Session,
    person: Person,
    place_id: UUID,
    *,
    tasks_of: UUID | None,
    settings: Settings,
    at: datetime,
) -> WhyNot:
    """Return by which decisions a person was not told of something at a place, and how they stand.

    Of the offers there it tells which they could redeem now, and why not.

    Raises:
        NotFound: There is no such place.
    """
    place = places.get_place(session, place_id)
    limits = deciding.limits_of(settings.campaigns)
    agreed = accounts.purposes_of(session, [person.id]).get(person.id, frozenset()) & PASSIVE
    on = listings.here_for(
        session, place_id, tasks_of=tasks_of, evidence=Evidence.SELF_DECLARED, at=at
    )
    tellings = campaigns.told_to(session, [person.id], since=at - limits.longest)
    pushed = {one.purpose for one in channels.choices(session, person) if one.push}
    # Geofences are shown to nobody who was not in them; that there is one, the place's word says.
    with everywhere(session):
        watched = queries.is_watched(session, place_id)
    standing = Standing(
        place=place.name,
        agrees=bool(agreed),
        located_at=queries.located_at(session, person.id),
        there_at=queries.there_at(session, person.id, place_id, since=at - A_DAY),
        watched=watched,
        sensitive=place.sensitive_at is not None,
        something_on=any(listing.is_current(at) for listing, _ in on),
        time_zone=person.time_zone,
        quiet_from=person.quiet_from,
        quiet_until=person.quiet_until,
        told=told_by(
            tellings,
            place_id=place_id,
            is_member=person.role in MEMBERS,
            limits=limits,
            at=at,
        ),
        pushable=bool(pushed & PASSIVE) and queries.has_browser(session, person.id),
    )
    held = queries.held_lately(
        session, person.id, place_id, since=at - LATELY, limit=MOST_DECISIONS
    )
    return WhyNot(
        place=place.name,
        held=tell(session, held, time_zone=person.time_zone),
        findings=look_into(standing, limits=limits, at=at),
        offers=[
            _look_into_offer(session, offer, place, person, settings=settings, at=at)
            for offer in [one for one, _ in on if isinstance(one, Offer)][:MOST_OFFERS]
        ],
    )


def _ruled(decision: Decision) -> Ruled:
    return Ruled(
        gate=None if decision.gate is None else Gate(decision.gate),
        at=decision.decided_at,
        waits=decision.waits_until is not None,
    )


def _look_into_offer(
    session: Session,
    offer: Offer,
    place: Place,
    person: Person,
    *,
    settings: Settings,
    at: datetime,
) -> OfferFinding:
    refused = offers.why_not(session, offer, place, person.id, offers=settings.offers, at=at)
    return OfferFinding(
        listing_id=offer.id,
        title=offer.title,
        refused_with=None if refused is None else refused.code,
        in_words=of_offer(refused, time_zone=person.time_zone),
    )


def _cause(behind: Behind, held: Sequence[Decision], topics: Mapping[TopicKey, Topic]) -> Cause:
    agreed = _agreed(behind)
    return Cause(
        title=behind.title,
        trigger=Trigger(behind.trigger),
        campaign_class=CampaignClass(behind.campaign_class),
        place=behind.place,
        organisation=behind.organisation,
        happened_at=behind.happened_at,
        purpose=behind.purpose,
        agreed_text=agreed.text,
        agreed_language=agreed.language,
        agreed_at=behind.agreed_at,
        time_zone=behind.time_zone,
        sent_at=behind.sent_at,
        holds=[
            Hold(gate=Gate(one.gate), held_at=one.decided_at, until=one.waits_until)
            for one in held
            if one.gate is not None and one.waits_until is not None
        ],
        interests=[
            _name_of(topics.get(TopicKey(behind.organisation_id, key)), key)
            for key in behind.interests
        ],
    )


def _name_of(topic: Topic | None, key: str) -> str:
    """Return what a topic is called in English, as all else is told; its key if it is gone."""
    if topic is None:
        return key
    tag = look_up(topic.names, ENGLISH)
    return topic.names[tag] if tag else next(iter(topic.names.values()))


def _agreed(behind: Behind) -> PublishedText:
    """Return the words as they were read; where no consent is there now, those that are asked."""
    purpose = Purpose(behind.purpose)
    words = published(purpose, behind.text_version or TEXTS[purpose].version)
    return words[look_up(words, behind.agreed_language or ENGLISH) or ENGLISH]
