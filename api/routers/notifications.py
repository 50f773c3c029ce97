"""Notifications, why they were sent, and how they fared."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from api.bodies import StrictRoute
from api.dependencies import CurrentPerson, Now, SessionDep
from api.pagination import Cursor, Limit, Page, instant_and_id, next_address
from api.problems import problem_responses
from api.schemas.campaigns import DecisionOut
from api.schemas.explanations import WhyOut
from api.schemas.notifications import (
    AboutOut,
    AttemptOut,
    DeliveryOut,
    NotificationChangeIn,
    NotificationOut,
    ReceiptOut,
    UnreadOut,
)
from geoservices.accounts.models import Person
from geoservices.campaigns import queries as campaigns
from geoservices.deliveries import bundling
from geoservices.deliveries import queries as deliveries
from geoservices.deliveries.models import Attempt, Delivery, Receipt
from geoservices.deliveries.progress import progress_of
from geoservices.errors import NotFound
from geoservices.explanations import service as explanations
from geoservices.explanations.queries import subjects_of
from geoservices.notifications import inbox, queries
from geoservices.notifications.folders import (
    Folder,
    SnoozeRefused,
    read_when,
    snoozed_until_when,
)
from geoservices.notifications.models import Notification

router = APIRouter(tags=["notifications"], route_class=StrictRoute)


@router.get("/notifications")
def list_notifications(
    request: Request,
    person: CurrentPerson,
    session: SessionDep,
    at: Now,
    cursor: Cursor,
    folder: Annotated[Folder, Query(description="What to see of them")] = Folder.INBOX,
    bundle_id: Annotated[UUID | None, Query(description="Only what was pushed as this")] = None,
    limit: Limit = 50,
) -> Page[NotificationOut]:
    """See the caller's notifications, newest first, with reason and deliveries.

    What was snoozed is as new as the moment it comes back.
    """
    rows = queries.notifications_of(
        session,
        person.id,
        folder=folder,
        bundle_id=bundle_id,
        at=at,
        after=instant_and_id(cursor),
        limit=limit + 1,
    )
    return Page(
        items=_told(session, person, rows[:limit], at),
        next=next_address(request, rows, limit, lambda row: (row.surfaced_at, row.id)),
    )


@router.get("/notifications/unread")
def count_unread(person: CurrentPerson, session: SessionDep, at: Now) -> UnreadOut:
    """Count what of the caller's inbox is unread."""
    return UnreadOut(unread=queries.count_unread(session, person.id, at=at))


@router.post("/notifications/read-all", status_code=204)
def read_all(person: CurrentPerson, session: SessionDep, at: Now) -> Response:
    """Mark as read whatever of the caller's inbox is unread; what is snoozed stays as it is."""
    queries.mark_all_read(session, person.id, at=at)
    return Response(status_code=204)


@router.get("/notifications/{notification_id}", responses=problem_responses(NotFound))
def read_notification(
    notification_id: UUID, person: CurrentPerson, session: SessionDep, at: Now
) -> NotificationOut:
    """See one of the caller's notifications. Seeing it does not mark it as read."""
    notification = queries.notification_by_id(session, notification_id)
    if notification is None or notification.person_id != person.id:
        raise NotFound("notification")
    return _told(session, person, [notification], at)[0]


@router.patch(
    "/notifications/{notification_id}", responses=problem_responses(NotFound, SnoozeRefused)
)
def change_notification(
    notification_id: UUID,
    body: NotificationChangeIn,
    person: CurrentPerson,
    session: SessionDep,
    at: Now,
) -> NotificationOut:
    """Mark a notification as read or unread, archive it or put it back, or snooze it."""
    changed = inbox.change(session, notification_id, body.to_change(), person_id=person.id, at=at)
    return _told(session, person, [changed], at)[0]


def _told(
    session: Session, person: Person, rows: Sequence[Notification], at: datetime
) -> list[NotificationOut]:
    because = [row.decision_id for row in rows if row.decision_id is not None]
    decided = campaigns.decisions_by_id(session, because)
    decisions = {
        one.decision.id: one
        for one in explanations.tell(session, list(decided.values()), time_zone=person.time_zone)
    }
    subjects = {one.notification_id: one for one in subjects_of(session, [row.id for row in rows])}
    reasons = explanations.explain(session, because)
    words = bundling.words_of(session, rows, at=at)
    entries = deliveries.deliveries_of(session, [_pushed_as(row) for row in rows])
    return [
        NotificationOut(
            id=row.id,
            kind=row.kind,
            listing_id=row.listing_id,
            about=AboutOut.model_validate(subjects[row.id]) if row.id in subjects else None,
            bundle_id=row.bundle_id,
            campaign_class=row.campaign_class,
            title=words[row.id].title if row.id in words else row.title,
            body=words[row.id].body if row.id in words else row.body,
            created_at=row.created_at,
            expires_at=row.expires_at,
            read_at=read_when(row.read_at, row.snoozed_until, at=at),
            archived_at=row.archived_at,
            snoozed_until=snoozed_until_when(row.snoozed_until, at=at),
            push=progress_of({entry[0].state for entry in entries.get(_pushed_as(row), ())}),
            decision=DecisionOut.of(decisions[row.decision_id]) if row.decision_id else None,
            why=WhyOut.of(reasons[row.decision_id]) if row.decision_id else None,
            deliveries=[_delivery(*entry) for entry in entries.get(_pushed_as(row), ())],
        )
        for row in rows
    ]


def _pushed_as(row: Notification) -> UUID:
    return row.bundle_id or row.id


def _delivery(
    delivery: Delivery, attempts: Sequence[Attempt], receipts: Sequence[Receipt]
) -> DeliveryOut:
    return DeliveryOut(
        id=delivery.id,
        state=delivery.state,
        reason=delivery.reason,
        accepted_at=delivery.accepted_at,
        attempts=[AttemptOut.model_validate(attempt) for attempt in attempts],
        receipts=[ReceiptOut.model_validate(receipt) for receipt in receipts],
    )
