"""What is asked of erasures."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.accounts.models import Consent, Person
from geoservices.erasures.marks import Mark
from geoservices.erasures.models import Erasure
from geoservices.leasing.queries import Queue
from geoservices.letters.models import EmailAddress, Letter, LetterState

UNDER_WAY = Erasure.done_at.is_(None)
DUE: Final[Queue[UUID]] = Queue(row=Erasure, waiting=UNDER_WAY, at_once=2)
PEOPLE_AT_ONCE = 10_000


def stop_processing(session: Session, person_id: UUID, *, at: datetime) -> None:
    """Let a person in no more, end all their consents, forget where and what to write to them."""
    # Ending their sign-ins is not enough: a member could sign in anew before they are erased.
    session.execute(
        update(Person)
        .where(Person.id == person_id, Person.disabled_at.is_(None))
        .values(disabled_at=at)
    )
    session.execute(
        update(Consent)
        .where(Consent.person_id == person_id, Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=at)
    )
    session.execute(delete(EmailAddress).where(EmailAddress.person_id == person_id))
    waiting = Letter.state.in_((LetterState.QUEUED, LetterState.SENDING))
    session.execute(delete(Letter).where(Letter.person_id == person_id, waiting))


def put_on_list(session: Session, mark: Mark, person_id: UUID, *, at: datetime) -> UUID:
    """Have a person erased; who is on the list already is erased again. Return the erasure's id."""
    asked = insert(Erasure).values(
        mark=mark.mark,
        key_mark=mark.key_mark,
        person_id=person_id,
        asked_at=mark.asked_at,
        due_at=at,
        rows_erased=0,
    )
    again = asked.on_conflict_do_update(
        index_elements=[Erasure.mark],
        set_={"person_id": person_id, "due_at": at, "done_at": None, "rows_erased": 0},
    )
    return session.scalars(again.returning(Erasure.id)).one()


def add_done(session: Session, marks: Iterable[Mark], *, at: datetime) -> None:
    """Put marks on the list that it does not have; nothing is left to be done for them."""
    rows = [
        {
            "mark": one.mark,
            "key_mark": one.key_mark,
            "asked_at": one.asked_at,
            "due_at": at,
            "done_at": at,
        }
        for one in marks
    ]
    if rows:
        session.execute(insert(Erasure).on_conflict_do_nothing(), rows)


def erasure_by_id(session: Session, erasure_id: UUID) -> Erasure | None:
    """Return an erasure."""
    return session.get(Erasure, erasure_id)


def hold(session: Session, erasure_id: UUID) -> Erasure | None:
    """Return an erasure that is not over, locked; None also where another worker holds it."""
    return session.scalars(
        select(Erasure)
        .where(Erasure.id == erasure_id, UNDER_WAY)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def marks(session: Session) -> Iterator[Mark]:
    """Yield every entry of the list, the oldest first."""
    listed = select(Erasure.mark, Erasure.key_mark, Erasure.asked_at)
    rows = session.execute(
        listed.order_by(Erasure.asked_at, Erasure.id).execution_options(yield_per=PEOPLE_AT_ONCE)
    )
    return (Mark(*row) for row in rows)


def everyone(session: Session) -> Iterator[UUID]:
    """Yield the id of every person there is."""
    return iter(session.scalars(select(Person.id).execution_options(yield_per=PEOPLE_AT_ONCE)))


def forget(session: Session, *, done_before: datetime) -> int:
    """Take off the list who was erased so long ago; return how many."""
    gone = session.execute(delete(Erasure).where(Erasure.done_at < done_before))
    return int(gone.rowcount)  # type: ignore[attr-defined]  # A DELETE has one.
