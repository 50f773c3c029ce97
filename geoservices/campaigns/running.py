"""Runs: a campaign goes through all whom it is for, some of them at a time.

Each step is a transaction that decides about the next people, in the order of their ids, and notes
how far it came. Whoever dies in between has done nothing, and two who take the same step wait for
each other, so that the second finds it taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.access.actors import Grant
from geoservices.access.rights import Role
from geoservices.accounts import queries as accounts
from geoservices.accounts.models import Purpose
from geoservices.campaigns import definitions, run_queries, service
from geoservices.campaigns.deciding import Decided, decide_on
from geoservices.campaigns.occasions import Occasion, OneOfMany
from geoservices.campaigns.rules import CampaignClass, Limits, Trigger
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.campaigns.speaking import Message, Speaker
from geoservices.errors import NotFound
from geoservices.leasing.queries import wait_after
from geoservices.listings import queries as listings
from geoservices.places import queries as places
from geoservices.places.models import Place
from geoservices.singling_out import A_FEW, Failure, SingledOut, single_out

LEASE = timedelta(seconds=30)
"""A run that was handed out, and not given back, is handed out again after this long."""


MOST_ATTEMPTS: Final = 10
"""A run of which a step failed so often, over a quarter of an hour, is given up."""
GIVEN_UP: Final = (
    f"Going on failed {MOST_ATTEMPTS} times. Whoever runs the service finds the cause in its logs."
)
UNDECIDED: Final = (
    "Some people could not be decided on, and were told nothing. Whoever runs the service finds "
    "the cause in its logs."
)
STOPPABLE: Final = frozenset(
    {CampaignRunState.UNDER_WAY, CampaignRunState.FINISHED, CampaignRunState.FAILED}
)
"""What a run told may wait to be pushed in any of these."""
Tell = Callable[[Sequence[Message], CampaignClass], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step brought: how many were gone through, what is sent, and who cannot be decided on.

    `more` says whether the run goes on.
    """

    people: int = 0
    sent: Sequence[Message] = ()
    failures: Sequence[Failure[Occasion]] = ()
    more: bool = False


def take_step(
    session: Session, run_id: UUID, *, limits: Limits, at: datetime, limit: int, tell: Tell
) -> Step:
    """Decide about the next people of a run, and have them told.

    If that failed before, those of them who cannot be decided on are found and left out.

    Args:
        session: One transaction.
        run_id: Which run; one that is over, or that somebody else goes on with, is left alone.
        limits: What holds for every campaign.
        at: Now.
        limit: The most people.
        tell: Puts on its way what a campaign of a class says.
    """
    seen = run_queries.run_by_id(session, run_id)
    if seen is None or seen.state != CampaignRunState.UNDER_WAY:
        return Step()
    reached, speaker = seen.reached, _speaker(session, seen)
    count = _count(session, seen, speaker, at)
    ids = run_queries.next_people(
        session,
        speaker.definition.audience,
        purpose=speaker.campaign.purpose,
        whose=speaker.whose,
        after=reached,
        at=at,
        limit=limit,
    )
    # People are held before anything else, as by whoever erases one who asked for the run.
    people = run_queries.hold_people(session, ids)
    run = run_queries.hold(session, run_id)
    if run is None or run.state != CampaignRunState.UNDER_WAY or run.reached != reached:
        return Step()
    if _is_over(speaker, at):
        end(run, CampaignRunState.STOPPED, reason="The campaign has ended.", at=at)
        return Step()
    found = _decide(session, run, people, speaker, limits=limits, tell=tell, at=at)
    sent = [message for one in found.done for message in one.sent]
    gone = ids if found.left is None else ids[: ids.index(found.left.person.id)]
    run.people, run.gone_through = count, run.gone_through + len(gone)
    run.sent += len(sent)
    run.held += sum(one.decisions for one in found.done) - len(sent)
    run.failed += len(found.failures)
    # Who is left is singled out from the start.
    run.attempt_count = 0 if found.left is None else 1
    more = found.left is not None or len(ids) == limit
    if more:
        run.reached = gone[-1]
        run.due_at = at + LEASE
    else:
        end(run, CampaignRunState.FINISHED, reason=UNDECIDED if run.failed else None, at=at)
    return Step(people=len(gone), sent=sent, failures=found.failures, more=more)


def put_off(session: Session, run_id: UUID, *, at: datetime) -> bool:
    """Count that a step failed: it is tried again later, and in the end no more.

    Returns:
        Whether the run is given up.
    """
    run = run_queries.hold(session, run_id)
    if run is None or run.state != CampaignRunState.UNDER_WAY:
        return False
    run.attempt_count += 1
    run.due_at = at + wait_after(run.attempt_count)
    given_up = run.attempt_count >= MOST_ATTEMPTS
    if given_up:
        end(run, CampaignRunState.FAILED, reason=GIVEN_UP, at=at)
    return given_up


def get_run(session: Session, campaign_id: UUID, run_id: UUID, *, grant: Grant) -> CampaignRun:
    """Return a run of one of the organisation's campaigns.

    Raises:
        NotFound: There is no such campaign of the organisation's, or no such run of it.
    """
    service.get_campaign(session, campaign_id, grant=grant)
    run = run_queries.run_by_id(session, run_id)
    if run is None or run.campaign_id != campaign_id:
        raise NotFound("run")
    return run


def stop_run(
    session: Session, campaign_id: UUID, run_id: UUID, *, grant: Grant, at: datetime
) -> None:
    """Let a run tell nobody more, and what waits to be pushed not be; again changes nothing.

    Raises:
        NotFound: There is no such campaign of the organisation's, or no such run of it.
    """
    get_run(session, campaign_id, run_id, grant=grant)
    run = run_queries.hold(session, run_id)
    if run is not None and run.state in STOPPABLE:
        end(run, CampaignRunState.STOPPED, reason="Somebody stopped it.", at=at)


def give_way(session: Session, run_id: UUID, *, at: datetime) -> None:
    """Let whatever else is due come before the run goes on."""
    run_queries.DUE.put_back(session, [run_id], at=at)
    outbox.ring(session)


def end(
    run: CampaignRun, state: CampaignRunState, *, reason: str | None = None, at: datetime
) -> None:
    """Let a run go on no more."""
    run.state, run.reason, run.ended_at, run.reached = state, reason, at, None


def _count(session: Session, run: CampaignRun, speaker: Speaker, at: datetime) -> int:
    """Return how many people a run is for, as they were when it began."""
    if run.people is not None:
        return run.people
    return run_queries.count_next(
        session,
        speaker.definition.audience,
        purpose=speaker.campaign.purpose,
        whose=speaker.whose,
        at=at,
    )


def _decide(
    session: Session,
    run: CampaignRun,
    people: Sequence[OneOfMany],
    speaker: Speaker,
    *,
    limits: Limits,
    tell: Tell,
    at: datetime,
) -> SingledOut[Occasion, Decided]:
    """Decide about people who are held; citizens who withdrew their consent before are left out."""
    place = places.by_id(session, [run.place_id])[run.place_id] if run.place_id else None
    purposes = accounts.purposes_of(session, [person.id for person in people])
    purpose, nothing = speaker.campaign.purpose, frozenset[Purpose]()
    occasions = [
        _occasion(run, person, place)
        for person in people
        if person.role != Role.CITIZEN or purpose in purposes.get(person.id, nothing)
    ]

    def decide(some: Sequence[Occasion]) -> Decided:
        listening = {place.id if place else None: [speaker]}
        decided = decide_on(session, some, listening, purposes=purposes, limits=limits, at=at)
        tell(decided.sent, CampaignClass(speaker.campaign.campaign_class))
        return decided

    if not run.attempt_count:
        return SingledOut([decide(occasions)])
    found = single_out(session, occasions, decide, blameless=A_FEW)
    if found.failures and not found.done and not run.sent + run.held:
        # Nobody at all could be decided on, so that it is nobody's fault.
        raise found.failures[-1].error
    return found


def _occasion(run: CampaignRun, person: OneOfMany, place: Place | None) -> Occasion:
    return Occasion(
        trigger=Trigger(run.trigger),
        occurred_at=run.occurred_at,
        confidence=0,
        person=person,
        place=place,
        run_id=run.id,
    )


def _speaker(session: Session, run: CampaignRun) -> Speaker:
    campaign, version = run_queries.campaign_of(session, run)
    listing_id = run.listing_id
    return Speaker(
        campaign=campaign,
        version=version,
        definition=definitions.read(version.definition),
        listing=listings.by_id(session, [listing_id])[listing_id] if listing_id else None,
        organisation=accounts.organisation_by_id(session, run.organisation_id),
    )


def _is_over(speaker: Speaker, at: datetime) -> bool:
    ends = (speaker.campaign.ended_at, speaker.definition.schedule.ends_at)
    return any(one is not None and one <= at for one in ends)
