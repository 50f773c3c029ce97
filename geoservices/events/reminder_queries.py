"""What is asked to remind people of what they signed up for."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Interval, func, select, true
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Session

from geoservices.events.models import Event, Occurrence, SignUp, SignUpReminder, SignUpState

LONGEST: Final = timedelta(days=14)
"""The longest before a start that anybody is reminded."""


def due(session: Session, *, at: datetime, limit: int) -> dict[UUID, timedelta]:
    """Return the sign-ups whose people are to be reminded now, each with which reminder it is.

    That is the last one that is due. One that is late by more than half of its time is told no
    more, nor is one that was due before its person had a place.
    """
    before = (
        select(func.unnest(Event.reminders, type_=Interval()).label("before"))
        .correlate(Event)
        .lateral("lead")
    )
    ahead = Occurrence.starts_at - at
    told = select(SignUpReminder.sign_up_id).where(
        SignUpReminder.sign_up_id == SignUp.id, SignUpReminder.before <= before.c.before
    )
    rows = session.execute(
        select(SignUp.id, before.c.before)
        .ext(distinct_on(SignUp.id))
        .select_from(Occurrence)
        .join(Event, Event.id == Occurrence.event_id)
        .join(SignUp, SignUp.occurrence_id == Occurrence.id)
        .join(before, true())
        .where(
            Occurrence.starts_at > at,
            Occurrence.starts_at <= at + LONGEST,
            Occurrence.starts_at - before.c.before <= at,
            ahead + ahead > before.c.before,
            Occurrence.cancelled_at.is_(None),
            Event.withdrawn_at.is_(None),
            SignUp.state == SignUpState.GOING,
            SignUp.going_since <= Occurrence.starts_at - before.c.before,
            ~told.exists(),
        )
        .order_by(SignUp.id, before.c.before)
        .limit(limit)
    )
    return dict(rows.all())


def take(
    session: Session, reminders: Mapping[UUID, timedelta], *, at: datetime
) -> Sequence[tuple[SignUp, Occurrence, Event]]:
    """Write down that people are reminded, and return those who were not before.

    Those whose sign-up somebody else holds are left for the next time.
    """
    held = session.execute(
        select(SignUp, Occurrence, Event)
        .join(Occurrence, Occurrence.id == SignUp.occurrence_id)
        .join(Event, Event.id == Occurrence.event_id)
        .where(SignUp.id.in_(reminders), SignUp.state == SignUpState.GOING)
        .order_by(SignUp.id)
        .with_for_update(of=SignUp, key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    if not held:
        return []
    rows = [
        {"sign_up_id": one.id, "before": reminders[one.id], "told_at": at} for one, _, _ in held
    ]
    new = set(
        session.scalars(
            insert(SignUpReminder)
            .values(rows)
            .on_conflict_do_nothing()
            .returning(SignUpReminder.sign_up_id)
        )
    )
    return [(one, occurrence, event) for one, occurrence, event in held if one.id in new]
