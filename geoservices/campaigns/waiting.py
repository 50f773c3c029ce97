"""Messages that were held back wait, if their campaign says so and time alone may let them go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.campaigns import waiting_queries as queries
from geoservices.campaigns.definitions import AfterHolding
from geoservices.campaigns.models import HeldMessage, NewDecision
from geoservices.campaigns.pacing import Telling, counting
from geoservices.campaigns.releasing import PASSING, last_moment, look_again
from geoservices.campaigns.rules import CampaignClass, Circumstances, Gate, Limits
from geoservices.campaigns.speaking import Speaker, weekly_of
from geoservices.campaigns.waiting_queries import Subject, Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """A decision that held a message back, with whose message it is and what was known.

    `first_at` is when it was first held back.
    """

    decision: NewDecision
    gate: Gate
    speaker: Speaker
    about: Circumstances
    first_at: datetime


def keep(
    session: Session,
    held_back: Sequence[HeldBack],
    *,
    tellings: Mapping[UUID, Sequence[Telling]],
    limits: Limits,
    at: datetime,
) -> list[HeldMessage]:
    """Have those of the messages wait that may be sent later; the others are dropped.

    Of one campaign one message at most waits for a person about the same listing: whoever comes by
    three times at night is told once in the morning. The transaction holds the people.

    Args:
        session: The transaction.
        held_back: The messages; their decisions are noted to wait, and not stored yet.
        tellings: What each person was told, these decisions included.
        limits: What holds for every campaign.
        at: Now.

    Returns:
        What is to be stored once the decisions are.
    """
    chosen = [one for one in held_back if _may_wait(one)]
    if not chosen:
        return []
    taken = queries.waiting_for(session, {one.decision.person_id for one in chosen})
    rows: list[HeldMessage] = []
    for one in chosen:
        decision, definition = one.decision, one.speaker.definition
        listing = one.speaker.listing
        subject = Subject(decision.campaign_id, listing.id if listing else None, decision.person_id)
        cap, told = counting(
            tellings.get(decision.person_id, ()),
            one.gate,
            campaign_class=CampaignClass(one.speaker.campaign.campaign_class),
            place_id=decision.place_id,
            is_member=one.about.is_member,
            limits=limits,
        )
        due_at = look_again(
            one.gate,
            one.about,
            weekly=weekly_of(definition, one.speaker.organisation),
            told=told,
            cap=cap,
            at=at,
        )
        before = last_moment(
            held_at=one.first_at,
            listing_ends_at=listing.ends_at if listing else None,
            campaign_ends_at=definition.schedule.ends_at,
            limits=limits,
        )
        if subject in taken or due_at is None or due_at >= before:
            continue
        taken.add(subject)
        decision.waits_until = due_at
        of_many = decision.run_id is not None
        critical = one.speaker.campaign.campaign_class == CampaignClass.CRITICAL
        rows.append(
            HeldMessage(
                decision_id=decision.id,
                person_id=decision.person_id,
                due_at=due_at,
                broadcast=of_many and not critical,
            )
        )
    return rows


def take(session: Session, decision_ids: Sequence[UUID], *, at: datetime) -> list[Waiting]:
    """Take what waits for the people of some decisions and may be sent by now.

    All of it, so that what one person is told at one moment can be told together. Nothing of it
    waits any more once the transaction has committed.
    """
    people = queries.waited_for_by(session, decision_ids)
    # Before any row of theirs, as wherever somebody's consent is withdrawn.
    accounts.lock_people(session, people)
    taken = queries.take(session, people, at=at)
    queries.settle(session, [one.decision.id for one in taken])
    return taken


def _may_wait(one: HeldBack) -> bool:
    released = one.speaker.definition.after_holding is not AfterHolding.DROP
    return released and one.gate in PASSING
