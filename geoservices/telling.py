"""What campaigns are asked about, and how what they decided to say is put on its way."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.campaigns.models import Decision
from geoservices.campaigns.occasions import Held, Occasion
from geoservices.campaigns.rules import CampaignClass, Trigger
from geoservices.campaigns.speaking import Message
from geoservices.campaigns.waiting_queries import Waiting
from geoservices.checkins import queries as checkins
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import CONFIDENCE, Evidence
from geoservices.deliveries import bundling
from geoservices.deliveries import service as deliveries
from geoservices.notifications import service as notifications
from geoservices.notifications.models import NewNotification
from geoservices.places import queries as places
from geoservices.visits import queries as visits
from geoservices.visits.models import Transition


def occasions_of(session: Session, subject_ids: Collection[UUID]) -> dict[UUID, Occasion]:
    """Return the occasions that transitions and check-ins are, by their ids, as there still are."""
    transitions = visits.transitions_by_id(session, subject_ids)
    check_ins = checkins.by_id(session, subject_ids)
    rows: list[Transition | CheckIn] = [*transitions.values(), *check_ins.values()]
    people = accounts.people_of_devices(session, [row.device_id for row in rows])
    there = places.by_id(session, [row.place_id for row in rows])
    occasions: dict[UUID, Occasion] = {}
    for transition in transitions.values():
        occasions[transition.id] = Occasion(
            trigger=Trigger(transition.kind),
            occurred_at=transition.occurred_at,
            confidence=transition.confidence,
            person=people[transition.device_id],
            place=there[transition.place_id],
            transition_id=transition.id,
        )
    for made in check_ins.values():
        occasions[made.id] = Occasion(
            trigger=Trigger.CHECKED_IN,
            occurred_at=made.claimed_at,
            confidence=CONFIDENCE[Evidence(made.evidence)],
            person=people[made.device_id],
            place=there[made.place_id],
            check_in_id=made.id,
        )
    return occasions


def held_occasions(session: Session, waited: Sequence[Waiting]) -> list[Occasion]:
    """Return because of what messages were held back; of what was taken back, what is known."""
    subjects = {one.decision.id: _subject(one.decision) for one in waited}
    happened = occasions_of(session, [one for one in subjects.values() if one is not None])
    occasions: list[Occasion] = []
    for decision, first_at, until, person, place, run in waited:
        subject = subjects[decision.id]
        occasion = happened.get(subject) if subject is not None else None
        if occasion is None:
            occasion = Occasion(
                trigger=Trigger(decision.trigger),
                occurred_at=run.occurred_at if run else first_at,
                confidence=0,
                person=person,
                place=place,
                run_id=decision.run_id,
            )
        held = Held(
            first_id=decision.follows_id or decision.id,
            first_at=first_at,
            until=until,
            campaign_id=decision.campaign_id,
            version=decision.version,
            run=run,
        )
        occasions.append(replace(occasion, held=held))
    return occasions


def tell(
    session: Session,
    messages: Sequence[Message],
    *,
    together: bool,
    broadcast: bool = False,
    at: datetime,
) -> list[NewNotification]:
    """Write a notification for each message, and put on its way what is to be pushed.

    Args:
        session: Its transaction decided on the messages, and holds their people.
        messages: What campaigns decided to say.
        together: Whether what one person is told is one push wherever it comes from; otherwise
            it is where it comes from one place.
        broadcast: Whether it gives way to what is told to one person.
        at: Now.
    """
    made = notifications.write(session, messages, at=at)
    pushed = {message.decision.id for message in messages if message.pushed}
    where = {message.decision.id: message.decision.place_id for message in messages}
    loose = [
        bundling.Loose(one, None if together else where[one.decision_id])
        for one in made
        if one.decision_id in pushed
    ]
    pushes = bundling.bundle(session, loose, broadcast=broadcast, at=at)
    deliveries.enqueue(session, pushes, broadcast=broadcast, at=at)
    return made


def tell_released(
    session: Session, messages: Sequence[Message], *, at: datetime
) -> list[NewNotification]:
    """Tell people what was held back until now, each of them with one push.

    What runs alone had wait for somebody gives way to what is told to one person, as it would have.
    """
    parts: dict[tuple[UUID, bool], list[Message]] = defaultdict(list)
    for message in messages:
        critical = message.campaign.campaign_class == CampaignClass.CRITICAL
        parts[message.decision.person_id, critical].append(message)
    lanes: dict[bool, list[Message]] = {False: [], True: []}
    for (_, critical), part in parts.items():
        of_runs = all(message.decision.run_id for message in part)
        lanes[of_runs and not critical] += part
    return [
        one
        for broadcast, some in lanes.items()
        if some
        for one in tell(session, some, together=True, broadcast=broadcast, at=at)
    ]


def _subject(decision: Decision) -> UUID | None:
    return decision.transition_id or decision.check_in_id
