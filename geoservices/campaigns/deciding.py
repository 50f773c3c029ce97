"""Campaigns decide on what happens, and say what is to be sent."""

from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.bulk_queries import store_all, store_plain
from geoservices.campaigns import (
    place_queries,
    queries,
    run_queries,
    seat_queries,
    waiting_queries,
)
from geoservices.campaigns.audiences import Listener, fits, interests_met
from geoservices.campaigns.circumstances import circumstances_of
from geoservices.campaigns.conditions import holds
from geoservices.campaigns.definitions import AfterHolding
from geoservices.campaigns.histories import History, Pair, read_history
from geoservices.campaigns.models import Decision, NewDecision
from geoservices.campaigns.occasions import Held, Occasion
from geoservices.campaigns.releasing import why_irrelevant
from geoservices.campaigns.rules import (
    BY_LISTINGS,
    BY_RUNS,
    CampaignClass,
    Cap,
    Circumstances,
    Gate,
    Limits,
    Terms,
    Trigger,
)
from geoservices.campaigns.rulings import decide
from geoservices.campaigns.run_models import CampaignRunState
from geoservices.campaigns.speaking import Message, Speaker, say, weekly_of
from geoservices.campaigns.terms import terms_of
from geoservices.campaigns.versions import definitions_of
from geoservices.campaigns.waiting import HeldBack, keep
from geoservices.listings import queries as listing_queries
from geoservices.settings.presence import CampaignSettings


class Decided(NamedTuple):
    """How many decisions were taken, and what is to be sent."""

    decisions: int
    sent: list[Message]


def triggered_by(
    session: Session, occasions: Sequence[Occasion], *, limits: Limits, at: datetime
) -> list[Message]:
    """Let every campaign that listens decide on every occasion, and record each decision.

    An occasion a campaign decided on before is passed over, so that a job may run twice.

    Returns:
        What is to be sent.
    """
    people = [occasion.person.id for occasion in occasions]
    accounts.lock_people(session, people)
    return decide_on(
        session,
        occasions,
        _listening(session, occasions, at),
        decided=_decided(session, occasions),
        purposes=accounts.purposes_of(session, people),
        limits=limits,
        at=at,
    ).sent


def decide_on(
    session: Session,
    occasions: Sequence[Occasion],
    listening: Mapping[UUID | None, Sequence[Speaker]],
    *,
    decided: Container[Pair] = frozenset(),
    purposes: Mapping[UUID, frozenset[str]],
    limits: Limits,
    at: datetime,
) -> Decided:
    """Let those who listen decide on every occasion, and record each decision.

    Args:
        session: Its transaction holds the people.
        occasions: What happened, in order.
        listening: Who may speak at each place, and where there is none.
        decided: By campaign and what somebody did, what was decided before.
        purposes: What each person agrees to, read since they are held.
        limits: What holds for every campaign.
        at: Now.
    """
    history = read_history(session, occasions, listening, limits=limits, at=at)
    batch = _Batch(history=history)
    for occasion in occasions:
        agreed = purposes.get(occasion.person.id, frozenset())
        for speaker in listening[occasion.place_id]:
            if occasion.key and (speaker.campaign.id, occasion.key) in decided:
                continue
            if not _hears(speaker, occasion, history, at):
                continue
            about = circumstances_of(
                occasion, speaker, history, purposes=agreed, limits=limits, at=at
            )
            decision = _decide(occasion, speaker, about, limits, at)
            batch.take(decision, speaker, occasion, about)
    sent = batch.store(session, limits=limits, at=at)
    return Decided(len(batch.decisions), sent)


def released(
    session: Session, occasions: Sequence[Occasion], *, limits: Limits, at: datetime
) -> list[Message]:
    """Decide again on occasions because of which messages were held back, and record it.

    Each is decided on for the version that held its message back, with everything else as it is
    now. What time may still let go waits again. The transaction holds the people.

    Returns:
        What is to be sent.
    """
    people = {occasion.person.id for occasion in occasions}
    places = {occasion.place_id for occasion in occasions if occasion.place_id}
    held = _held(session, occasions)
    # Before any seats, as a run holds them that goes on meanwhile.
    few = {one.run.id for _, one, who in held if one.run and who.definition.audience.at_most}
    run_queries.hold_all(session, few)
    listening = _listening(session, occasions, at)
    still = {(id_, one.campaign.id) for id_, there in listening.items() for one in there}
    there = waiting_queries.are_at(session, people, places)
    purposes = accounts.purposes_of(session, people)
    waited: dict[UUID | None, list[Speaker]] = defaultdict(list)
    for occasion, _, speaker in held:
        waited[occasion.place_id].append(speaker)
    history = read_history(session, occasions, waited, limits=limits, at=at)
    batch = _Batch(history=history)
    for occasion, one, speaker in held:
        agreed = frozenset(purposes.get(occasion.person.id, ()))
        # A listing's place need not be one of the campaign's, and goes with the listing.
        listed = occasion.place_id is None or speaker.listing is not None
        anywhere = listed and occasion.trigger in BY_RUNS - BY_LISTINGS
        about = replace(
            circumstances_of(occasion, speaker, history, purposes=agreed, limits=limits, at=at),
            held_until=one.until,
            irrelevant=why_irrelevant(
                taken_back=occasion.was_taken_back,
                stopped=one.run is not None and one.run.state == CampaignRunState.STOPPED,
                # Of what somebody set off, the gate of age says so much earlier.
                waited_out=one.run is not None and at >= one.first_at + limits.longest_wait,
                ends=(speaker.campaign.ended_at, speaker.version.ends_at),
                listens=anywhere or (occasion.place_id, one.campaign_id) in still,
                hears=_hears(speaker, occasion, history, at),
                has_left=speaker.definition.after_holding is AfterHolding.RELEASE_IF_THERE
                and (occasion.person.id, occasion.place_id) not in there,
                at=at,
            ),
        )
        batch.take(_decide(occasion, speaker, about, limits, at), speaker, occasion, about)
    sent = batch.store(session, limits=limits, at=at)
    run_queries.count_released(
        session, Counter(one.decision.run_id for one in sent if one.decision.run_id)
    )
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
        longest_wait=settings.longest_wait,
    )


@dataclass(slots=True, kw_only=True)
class _Batch:
    """What is decided together, and what comes of it."""

    history: History
    decisions: list[NewDecision] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    held_back: list[HeldBack] = field(default_factory=list)

    def take(
        self, decision: NewDecision, speaker: Speaker, occasion: Occasion, about: Circumstances
    ) -> None:
        """Take a decision in; the next ones about the same person know of it."""
        self.decisions.append(decision)
        if decision.gate is None:
            self._note_interests(decision, speaker)
            self.history.add(occasion, speaker, at=decision.decided_at)
            self.sent.append(say(decision, speaker, occasion))
        elif speaker.definition.after_holding is not AfterHolding.DROP:
            first_at = occasion.held.first_at if occasion.held else decision.decided_at
            self.held_back.append(
                HeldBack(
                    decision=decision,
                    gate=Gate(decision.gate),
                    speaker=speaker,
                    about=about,
                    first_at=first_at,
                )
            )

    def _note_interests(self, decision: NewDecision, speaker: Speaker) -> None:
        """Have "why did I get this?" know which of their interests the person was told for."""
        if (audience := speaker.definition.audience).interests:
            chosen = self.history.interests.get((decision.person_id, decision.organisation_id), ())
            decision.detail = {**decision.detail, "interests": interests_met(audience, chosen)}

    def store(self, session: Session, *, limits: Limits, at: datetime) -> list[Message]:
        """Store the decisions, have wait what is to wait, and return what is to be sent."""
        tellings = self.history.tellings
        waiting = keep(session, self.held_back, tellings=tellings, limits=limits, at=at)
        store_plain(session, Decision, self.decisions)
        if self.history.seats_taken:
            seat_queries.take_seats(session, self.history.seats_taken)
        store_all(session, waiting)
        return self.sent


def _listening(
    session: Session, occasions: Sequence[Occasion], at: datetime
) -> Mapping[UUID | None, Sequence[Speaker]]:
    places = [occasion.place_id for occasion in occasions if occasion.place_id]
    listening = place_queries.listening_to(session, places, at=at)
    defined = definitions_of(session, {one.key for one in listening})
    found: dict[UUID | None, list[Speaker]] = defaultdict(list)
    for one in listening:
        found[one.place_id].append(Speaker.of(one, defined[one.key]))
    return found


def _held(session: Session, occasions: Sequence[Occasion]) -> list[tuple[Occasion, Held, Speaker]]:
    """Return what was held back with who is to speak: of what its run spoke of, if it was one."""
    held = [(occasion, occasion.held) for occasion in occasions if occasion.held is not None]
    speakers = waiting_queries.speakers(
        session, [(one.campaign_id, one.version) for _, one in held]
    )
    spoken_of = listing_queries.by_id(
        session, {one.run.listing_id for _, one in held if one.run and one.run.listing_id}
    )
    found: list[tuple[Occasion, Held, Speaker]] = []
    for occasion, one in held:
        speaker = speakers[one.campaign_id, one.version]
        if one.run is not None:
            listing = spoken_of[one.run.listing_id] if one.run.listing_id else None
            speaker = replace(speaker, listing=listing)
        found.append((occasion, one, speaker))
    return found


def _decided(session: Session, occasions: Sequence[Occasion]) -> set[Pair]:
    return queries.decided_already(
        session,
        [occasion.transition_id for occasion in occasions if occasion.transition_id],
        [occasion.check_in_id for occasion in occasions if occasion.check_in_id],
    )


def _hears(speaker: Speaker, occasion: Occasion, history: History, at: datetime) -> bool:
    person, campaign, audience = occasion.person, speaker.campaign, speaker.definition.audience
    # A run was begun by the version that counts, whatever became of it since.
    if occasion.run_id is None and not speaker.listens_for(occasion.trigger, occasion.occurred_at):
        return False
    ours = person.organisation_id in {None, campaign.organisation_id}
    if person.disabled_at is not None or not ours:
        return False
    listener = Listener(
        person_id=person.id,
        role=person.role,
        language=person.language or speaker.organisation.language,
        team_ids=history.teams.get(person.id, frozenset()),
        skills=person.skills,
        came=history.came.get((person.id, occasion.place_id), ()) if occasion.place_id else (),
        interests=history.interests.get((person.id, campaign.organisation_id), ()),
    )
    occurred_at = occasion.occurred_at
    if not fits(audience, listener, campaign_id=campaign.id, occurred_at=occurred_at):
        return False
    return not audience.conditions or holds(
        audience,
        history.deeds.get(person.id, ()),
        whose=speaker.whose,
        at=at,
        occurred_at=occurred_at,
    )


def _decide(
    occasion: Occasion, speaker: Speaker, about: Circumstances, limits: Limits, at: datetime
) -> NewDecision:
    ruling = decide(_terms(speaker, occasion.trigger), about, limits=limits, at=at)
    return NewDecision(
        id=uuid4(),
        organisation_id=speaker.campaign.organisation_id,
        campaign_id=speaker.campaign.id,
        version=speaker.version.number,
        trigger=occasion.trigger,
        person_id=occasion.person.id,
        place_id=occasion.place_id,
        transition_id=occasion.transition_id,
        check_in_id=occasion.check_in_id,
        run_id=occasion.run_id,
        follows_id=occasion.held.first_id if occasion.held else None,
        gate=ruling.gate,
        reason=ruling.reason,
        gates_passed=ruling.passed,
        detail=ruling.detail,
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
