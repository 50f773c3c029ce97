"""Notifications, why they were sent, and how they fared."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session

from api.bodies import StrictRoute
from api.dependencies import CallerDep, SessionDep
from api.pagination import Cursor, Limit, Page, instant_and_id, next_address
from api.problems import problem_responses
from api.schemas.campaigns import DecisionOut
from api.schemas.notifications import (
    AttemptOut,
    DeliveryOut,
    NotificationOut,
    ReceiptOut,
)
from geoservices.campaigns import queries as campaigns
from geoservices.deliveries import queries as deliveries
from geoservices.deliveries.models import Attempt, Delivery, Receipt
from geoservices.errors import NotFound
from geoservices.notifications import queries
from geoservices.notifications.models import Notification

router = APIRouter(tags=["notifications"], route_class=StrictRoute)


@router.get("/notifications")
def list_notifications(
    request: Request,
    caller: CallerDep,
    session: SessionDep,
    cursor: Cursor,
    limit: Limit = 50,
) -> Page[NotificationOut]:
    """See the caller's notifications, newest first, with reason and deliveries."""
    rows = queries.notifications_of(
        session, caller.person.id, after=instant_and_id(cursor), limit=limit + 1
    )
    return Page(
        items=_told(session, rows[:limit]),
        next=next_address(request, rows, limit, lambda row: (row.created_at, row.id)),
    )


@router.get("/notifications/{notification_id}", responses=problem_responses(NotFound))
def read_notification(
    notification_id: UUID, caller: CallerDep, session: SessionDep
) -> NotificationOut:
    """See one of the caller's notifications."""
    notification = queries.notification_by_id(session, notification_id)
    if notification is None or notification.person_id != caller.person.id:
        raise NotFound("notification")
    return _told(session, [notification])[0]


def _told(session: Session, rows: Sequence[Notification]) -> list[NotificationOut]:
    because = [row.decision_id for row in rows if row.decision_id is not None]
    decisions = campaigns.decisions_by_id(session, because)
    entries = deliveries.deliveries_of(session, [row.id for row in rows])
    return [
        NotificationOut(
            id=row.id,
            kind=row.kind,
            listing_id=row.listing_id,
            campaign_class=row.campaign_class,
            title=row.title,
            body=row.body,
            created_at=row.created_at,
            expires_at=row.expires_at,
            decision=DecisionOut.model_validate(decisions[row.decision_id])
            if row.decision_id
            else None,
            deliveries=[_delivery(*entry) for entry in entries.get(row.id, ())],
        )
        for row in rows
    ]


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
