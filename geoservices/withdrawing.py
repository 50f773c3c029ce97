"""A consent withdrawn: processing stops, and what nothing else covers is erased, in one go.

docs/privacy.md has the table of what each purpose covers; it and this module say the same.
"""

from collections.abc import Set as AbstractSet
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices import attending
from geoservices.accounts import queries as accounts
from geoservices.accounts import service as consents
from geoservices.accounts.consents import ON_CHECK_IN, PASSIVE, SIGNING_UP, TELLING
from geoservices.accounts.models import ConsentEvent, Credential, Person, Purpose
from geoservices.campaigns.rules import BY_PASSING, Trigger
from geoservices.channels import queries as channels
from geoservices.checkins import queries as checkins
from geoservices.deliveries import forgetting_queries as told
from geoservices.interests import queries as interests
from geoservices.letters import addresses
from geoservices.offers import queries as offers
from geoservices.pings import queries as pings
from geoservices.subscriptions import queries as subscriptions
from geoservices.visits import queries as visits


def withdraw_consent(
    session: Session,
    person: Person,
    purpose: Purpose,
    *,
    by: Credential = Credential.DEVICE,
    at: datetime,
) -> bool:
    """End a consent, leave a receipt of it, and erase what no other one covers.

    Args:
        session: The transaction. Whoever decides about the person, or takes in what their devices
            send, is waited for, and what they stored is erased with the rest.
        person: Whose it is.
        purpose: What it was for.
        by: What the person was known by.
        at: Now.

    Returns:
        Whether there was one to end.
    """
    accounts.lock_people(session, [person.id])
    ended = accounts.end_consent(session, person.id, purpose, at=at)
    if ended is None:
        return False
    consents.note_consent(session, ended, ConsentEvent.WITHDRAWN, by=by, at=at)
    remaining = accounts.purposes_of(session, [person.id]).get(person.id, frozenset())
    if not remaining & SIGNING_UP:
        # Before anything else of theirs is held: others wait to be told by the same occurrences.
        attending.give_all_up(session, person.id, at=at)
        told.forget_word_of_events(session, person.id)
    channels.forget(session, person.id, purpose)
    if purpose is Purpose.EMAIL:
        addresses.forget(session, person.id)
    _forget_what_was_told(session, person.id, purpose, remaining)
    _forget_whereabouts(session, person.id, remaining, at=at)
    return True


def _forget_what_was_told(
    session: Session, person_id: UUID, purpose: Purpose, remaining: AbstractSet[Purpose]
) -> None:
    """Erase decisions for a purpose or from what is erased too, and all that came of them."""
    triggers: frozenset[Trigger] = frozenset()
    if not remaining & PASSIVE:
        triggers |= BY_PASSING
    if not remaining & ON_CHECK_IN:
        triggers |= {Trigger.CHECKED_IN}
    nothing_to_tell = not remaining & TELLING
    if nothing_to_tell:
        subscriptions.lock_of(session, person_id)
    told.forget_told(session, person_id, purpose, triggers, tests=nothing_to_tell)
    if nothing_to_tell:
        subscriptions.forget(session, person_id)
        interests.forget(session, person_id)


def _forget_whereabouts(
    session: Session, person_id: UUID, remaining: AbstractSet[Purpose], *, at: datetime
) -> None:
    device_ids = accounts.device_ids_of(session, person_id)
    accounts.lock_devices(session, device_ids)
    if not remaining & PASSIVE:
        pings.forget(session, device_ids, at=at)
        visits.forget(session, device_ids)
    if not remaining & ON_CHECK_IN:
        checkins.forget(session, device_ids)
        offers.forget(session, person_id)
