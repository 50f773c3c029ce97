"""Runs: a campaign goes through all whom it is for, some of them at a time.

Each step is a transaction that decides about the next people, in the order of their ids, and notes
how far it came. Whoever dies in between has done nothing, and two who take the same step wait for
each other, so that the second finds it taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.access.actors import Grant
from geoservices.access.rights import Role
from geoservices.accounts import queries as accounts
from geoservices.accounts.models import Person
from geoservices.campaigns import definitions, run_queries, service
from geoservices.campaigns.deciding import decide_on
from geoservices.campaigns.occasions import Occasion
from geoservices.campaigns.rules import CampaignClass, Limits, Trigger
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.campaigns.speaking import Message, Speaker
from geoservices.errors import NotFound
from geoservices.listings import queries as listings
from geoservices.places import queries as places
from geoservices.places.models import Place

LEASE = timedelta(seconds=30)
"""A run that was handed out, and not given back, is handed out again after this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step brought: how many were gone through, and what is to be sent.

    `more` says whether the run goes on.
    """

    people: int = 0
    sent: Sequence[Message] = ()
    campaign_class: CampaignClass = CampaignClass.SERVICE
    more: bool = False


def take_step(session: Session, run_id: UUID, *, limits: Limits, at: datetime, limit: int) -> Step:
    """Decide about the next people of a run.

    Args:
        session: One transaction.
        run_id: Which run; one that is over, or that somebody else goes on with, is left alone.
        limits: What holds for every campaign.
        at: Now.
        limit: The most people.
    """
    seen = run_queries.run_by_id(session, run_id)
    if seen is None or seen.state != CampaignRunState.UNDER_WAY:
        return Step()
    reached, speaker = seen.reached, _speaker(session, seen)
    ids = run_queries.next_people(
        session,
        speaker.definition.audience,
        purpose=speaker.campaign.purpose,
        organisation_id=seen.organisation_id,
        after=reached,
        limit=limit,
    )
    # People are held before anything else, as by whoever erases one who asked for the run.
    accounts.lock_people(session, ids)
    run = run_queries.hold(session, run_id)
    if run is None or run.state != CampaignRunState.UNDER_WAY or run.reached != reached:
        return Step()
    if _is_over(speaker, at):
        end(run, CampaignRunState.STOPPED, reason="The campaign has ended.", at=at)
        return Step()
    place = places.by_id(session, [run.place_id])[run.place_id] if run.place_id else None
    people = _still_agreeing(session, run_queries.people_by_id(session, ids), speaker)
    occasions = [_occasion(run, person, place) for person in people]
    decided = decide_on(session, occasions, {run.place_id: [speaker]}, limits=limits, at=at)
    run.sent += len(decided.sent)
    run.held += decided.decisions - len(decided.sent)
    more = len(ids) == limit
    if more:
        run.reached = ids[-1]
        run.due_at = at + LEASE
    else:
        end(run, CampaignRunState.FINISHED, at=at)
    return Step(
        people=len(ids),
        sent=decided.sent,
        campaign_class=CampaignClass(speaker.campaign.campaign_class),
        more=more,
    )


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
    if run is not None and run.state in {CampaignRunState.UNDER_WAY, CampaignRunState.FINISHED}:
        end(run, CampaignRunState.STOPPED, reason="Somebody stopped it.", at=at)


def give_way(session: Session, run_id: UUID, *, at: datetime) -> None:
    """Let whatever else is due come before the run goes on."""
    run_queries.put_back(session, [run_id], at=at)
    outbox.ring(session)


def end(
    run: CampaignRun, state: CampaignRunState, *, reason: str | None = None, at: datetime
) -> None:
    """Let a run go on no more."""
    run.state, run.reason, run.ended_at, run.reached = state, reason, at, None


def _still_agreeing(session: Session, people: Sequence[Person], speaker: Speaker) -> list[Person]:
    """Leave out citizens who withdrew their consent before they were held."""
    agreed = accounts.purposes_of(session, [person.id for person in people])
    return [
        person
        for person in people
        if person.role != Role.CITIZEN or speaker.campaign.purpose in agreed.get(person.id, ())
    ]


def _occasion(run: CampaignRun, person: Person, place: Place | None) -> Occasion:
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
