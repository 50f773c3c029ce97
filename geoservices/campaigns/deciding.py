"""Campaigns decide on what happens, and say what is to be sent."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.bulk_queries import store_all
from geoservices.campaigns import place_queries, queries
from geoservices.campaigns.audiences import Listener, fits, is_held_out
from geoservices.campaigns.histories import History, Pair, read_history, spot_of
from geoservices.campaigns.lifecycle import counts_for
from geoservices.campaigns.models import Decision
from geoservices.campaigns.occasions import Occasion
from geoservices.campaigns.pacing import last_told, told_by, told_by_campaign
from geoservices.campaigns.rules import (
    CampaignClass,
    Cap,
    Circumstances,
    Limits,
    Terms,
    Trigger,
    decide,
)
from geoservices.campaigns.speaking import Message, Speaker, say, weekly_of
from geoservices.campaigns.terms import terms_of
from geoservices.campaigns.versions import definitions_of
from geoservices.places.hours import OpenState, hours_at
from geoservices.places.service import is_sensitive
from geoservices.settings.presence import CampaignSettings


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
    history = read_history(session, occasions, listening, limits=limits, at=at)
    decisions: list[Decision] = []
    sent: list[Message] = []
    for occasion in occasions:
        agreed = frozenset(purposes.get(occasion.person.id, ()))
        for speaker in listening[occasion.place.id]:
            if (speaker.campaign.id, occasion.key) in decided:
                continue
            if not _hears(speaker, occasion, history):
                continue
            about = _circumstances(
                occasion, speaker, history, purposes=agreed, limits=limits, at=at
            )
            decision = _decide(occasion, speaker, about, limits, at)
            decisions.append(decision)
            if decision.gate is None:
                history.add(occasion, speaker, at=at)
                sent.append(say(decision, speaker, occasion))
    store_all(session, decisions)
    return sent


def limits_of(settings: CampaignSettings) -> Limits:
    """Return what holds for every campaign, from the settings."""
    return Limits(
        max_age=settings.max_age,
        person_cap=Cap(messages=settings.person_cap, within=settings.person_cap_window),
        class_caps={
            CampaignClass.OFFER: Cap(messages=settings.offer_cap, within=settings.offer_cap_window),
            CampaignClass.SERVICE: Cap(
                messages=settings.service_cap, within=settings.service_cap_window
            ),
        },
        place_cap=Cap(messages=settings.place_cap, within=settings.place_cap_window),
    )


def _listening(
    session: Session, occasions: Sequence[Occasion], at: datetime
) -> Mapping[UUID, Sequence[Speaker]]:
    listening = place_queries.listening_to(
        session, [occasion.place.id for occasion in occasions], at=at
    )
    defined = definitions_of(session, {one.key for one in listening})
    found: dict[UUID, list[Speaker]] = defaultdict(list)
    for one in listening:
        found[one.place_id].append(Speaker.of(one, defined[one.key]))
    return found


def _decided(session: Session, occasions: Sequence[Occasion]) -> set[Pair]:
    return queries.decided_already(
        session,
        [occasion.transition_id for occasion in occasions if occasion.transition_id],
        [occasion.check_in_id for occasion in occasions if occasion.check_in_id],
    )


def _hears(speaker: Speaker, occasion: Occasion, history: History) -> bool:
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
    speaker: Speaker,
    history: History,
    *,
    purposes: frozenset[str],
    limits: Limits,
    at: datetime,
) -> Circumstances:
    person, place = occasion.person, occasion.place
    hours = hours_at(place.opening_hours, time_zone=place.time_zone, at=at)
    campaign_id, definition = speaker.campaign.id, speaker.definition
    tellings = history.tellings.get(person.id, ())
    told = told_by(tellings, place_id=place.id, limits=limits, at=at)
    last = last_told(tellings, campaign_id, spot=spot_of(place), per=definition.cooldown_per)
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
        told_in_window=told.in_window,
        told_of_class=told.of_class.get(CampaignClass(speaker.campaign.campaign_class), 0),
        told_here=told.here,
        told_by_campaign=told_by_campaign(tellings, campaign_id, definition.cap, at=at)
        if definition.cap
        else 0,
        last_told_at=last.told_at if last else None,
        told_this_visit=last is not None and last.visit_goes_on,
        held_out=is_held_out(definition.audience, campaign_id=campaign_id, person_id=person.id),
    )


def _decide(
    occasion: Occasion, speaker: Speaker, about: Circumstances, limits: Limits, at: datetime
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


def _terms(speaker: Speaker, trigger: Trigger) -> Terms:
    return terms_of(
        speaker.definition,
        trigger,
        campaign_class=CampaignClass(speaker.campaign.campaign_class),
        purpose=speaker.campaign.purpose,
        weekly=weekly_of(speaker.definition, speaker.organisation),
    )
