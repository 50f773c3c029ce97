"""People erased: asked for at once, carried out in short steps, and again after a restore."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices import attending, clock, outbox
from geoservices.access.actors import Grant
from geoservices.accounts import queries as accounts
from geoservices.accounts.admins import check_not_last
from geoservices.accounts.models import Person, SignIn
from geoservices.database import SessionFactory, transaction
from geoservices.erasures import queries
from geoservices.erasures.marks import Mark, MarkingKey
from geoservices.erasures.models import Erasure
from geoservices.errors import ErrorKind, GeoservicesError, NotFound
from geoservices.holdings import queries as holdings
from geoservices.holdings.inventory import Holding
from geoservices.holdings.kinds import INVENTORY
from geoservices.members import service as members
from geoservices.scopes import everywhere
from geoservices.settings.service import Settings
from geoservices.visits import queries as visits

LEASE = timedelta(minutes=1)
"""An erasure whose worker was not heard of for this long is gone on with by another."""
STEP = 5000
"""Rows erased in one transaction."""
RECENTLY = timedelta(minutes=10)
"""A member erases themselves only so long after having signed in."""


class SignInAgain(GeoservicesError):
    """What was asked cannot be taken back, so a member must have signed in just before."""

    kind = ErrorKind.FORBIDDEN
    code = "sign-in-again"
    title = "Sign in again first"

    def __init__(self) -> None:
        super().__init__(
            "Nothing was done. Sign in, and ask again within ten minutes, with that token."
        )


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of replaying a list: its entries, how many people came back by it, their rows."""

    listed: int
    people: int
    rows: int


def marking_keys(settings: Settings) -> list[MarkingKey]:
    """Return the keys of the list, which follow from the code key and those of before."""
    return [MarkingKey.derived_from(secret) for secret in settings.codes.secrets]


def erase_oneself(
    session: Session, person: Person, sign_in: SignIn | None, *, settings: Settings, at: datetime
) -> Erasure:
    """Have whoever asks for it erased.

    Raises:
        SignInAgain: It is a member by a device, or one who signed in longer ago than ten minutes.
        LastAdmin: Nobody would be left to run their organisation.
    """
    if person.organisation_id is not None:
        if sign_in is None or at - sign_in.created_at > RECENTLY:
            raise SignInAgain
        accounts.hold_organisation(session, person.organisation_id)
        check_not_last(session, person)
    return ask_for(session, person.id, settings=settings, at=at)


def ask_for(session: Session, person_id: UUID, *, settings: Settings, at: datetime) -> Erasure:
    """Have a person erased. From the commit on their tokens are refused and nothing is processed.

    Requests that hold one of their devices are waited for; what these stored is erased as well.
    """
    accounts.lock_people(session, [person_id])
    device_ids = accounts.device_ids_of(session, person_id)
    accounts.lock_devices(session, device_ids)
    accounts.revoke_all_of(session, [person_id], at=at)
    attending.give_all_up(session, person_id, at=at)
    queries.stop_processing(session, person_id, at=at)
    # What is held is being told, by a worker that waits for the person and then removes it.
    waiting = INVENTORY["waiting-to-be-looked-at"]
    holdings.erase_some(session, waiting, person_id, limit=STEP, skip_locked=True)
    visits.abandon_open(session, device_ids)
    key = marking_keys(settings)[0]
    mark = Mark(key.of(person_id), key.mark, at)
    # Whoever came back with a backup may be on the list, where they cannot see themselves.
    with everywhere(session):
        erasure_id = queries.put_on_list(session, mark, person_id, at=at)
        outbox.ring(session)
        return get_erasure(session, erasure_id)


def remove_member(
    session: Session, member_id: UUID, *, grant: Grant, settings: Settings, at: datetime
) -> Erasure:
    """Let somebody belong to their organisation no more: they are erased like whoever asks for it.

    Raises:
        NotFound: They are not the organisation's.
        Forbidden: They have rights that the asker does not have.
        LastAdmin: Nobody would be left to run the organisation.
    """
    member = members.find_removable(session, member_id, grant=grant)
    # What is only the member's own, such as consents, an admin does not see.
    with everywhere(session):
        return ask_for(session, member.id, settings=settings, at=at)


def get_erasure(session: Session, erasure_id: UUID) -> Erasure:
    """Return an erasure.

    Raises:
        NotFound: There is none, or it was so long ago that it is on the list no more.
    """
    erasure = queries.erasure_by_id(session, erasure_id)
    if erasure is None:
        raise NotFound("erasure")
    return erasure


def carry_out(sessions: SessionFactory, erasure_id: UUID) -> int | None:
    """Erase a person, step by step; a worker that dies is followed by another.

    Each step is a transaction of its own that holds rows of this person's alone, so that nobody
    else waits for longer than one takes, and most not at all.

    Returns:
        How many rows went, or None where another worker is at it or it is over.
    """
    for holding in INVENTORY.as_erased():
        more = True
        while more:
            erased = _step(sessions, erasure_id, _erasing(holding))
            if erased is None:
                return None
            more = erased >= STEP
    return _step(sessions, erasure_id, _end)


def replay(
    sessions: SessionFactory, listed: Sequence[Mark], *, settings: Settings, at: datetime
) -> Replayed:
    """Erase again whoever is on a list, or on this database's own, and is in this database.

    Raises:
        ValueError: A mark was made with another code key, so that nobody can be found by it.
    """
    keys = marking_keys(settings)
    with transaction(sessions) as session:
        queries.add_done(session, listed, at=at)
    with transaction(sessions) as session:
        known = {one.mark: one for one in queries.marks(session)}
        strange = sum(one.key_mark not in {key.mark for key in keys} for one in known.values())
        if strange:
            raise ValueError(
                f"{strange} of {len(known)} entries were made with another code key. Set "
                "GEOSERVICES_CODES__OLD_KEYS to those that were in use, and replay again. Nobody "
                "was erased."
            )
        back = [
            person_id
            for person_id in queries.everyone(session)
            if any(key.of(person_id) in known for key in keys)
        ]
    rows = 0
    for person_id in back:
        with transaction(sessions) as session:
            erasure_id = ask_for(session, person_id, settings=settings, at=at).id
        rows += carry_out(sessions, erasure_id) or 0
    return Replayed(listed=len(known), people=len(back), rows=rows)


Change = Callable[[Session, Erasure, UUID], int]


def _step(sessions: SessionFactory, erasure_id: UUID, change: Change) -> int | None:
    """Take one step in a transaction; return what it says, or None if it is not ours to take."""
    with transaction(sessions) as session:
        erasure = queries.hold(session, erasure_id)
        if erasure is None or erasure.person_id is None:
            return None
        erasure.due_at = clock.now() + LEASE
        return change(session, erasure, erasure.person_id)


def _erasing(holding: Holding) -> Change:
    def erase(session: Session, erasure: Erasure, person_id: UUID) -> int:
        erased = holdings.erase_some(session, holding, person_id, limit=STEP)
        erasure.rows_erased += erased
        return erased

    return erase


def _end(_session: Session, erasure: Erasure, _person_id: UUID) -> int:
    erasure.person_id = None
    erasure.done_at = clock.now()
    return erasure.rows_erased
