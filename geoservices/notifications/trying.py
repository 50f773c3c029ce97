"""Tests: a notification that somebody sends to themselves, to see whether pushes arrive."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.campaigns.rules import CampaignClass
from geoservices.errors import TooOften
from geoservices.notifications import queries
from geoservices.notifications.models import Notification, NotificationKind

TITLE: Final = "It works"
BODY: Final = "This is the test you asked for. Notifications reach you in this browser."
LIFETIME: Final = timedelta(minutes=10)
"""Whoever waits for a test has given up by then."""
PAUSE: Final = timedelta(seconds=10)
"""Between one test and the next."""
WINDOW: Final = timedelta(hours=1)
MOST: Final = 10
"""So many tests in a window."""


class TooManyTests(TooOften):
    """The person asked for tests too often: one in 10 seconds, 10 in an hour."""

    code = "too-many-tests"
    title = "Too many tests"


def write_test(
    session: Session, person_id: UUID, *, title: str = TITLE, body: str = BODY, at: datetime
) -> Notification:
    """Write a test, which its person finds among their notifications like any other.

    Raises:
        TooManyTests: There were others just before.
    """
    accounts.lock_people(session, [person_id])
    wait = wait_for_next(queries.tests_since(session, person_id, since=at - WINDOW), at=at)
    if wait > timedelta(0):
        raise TooManyTests(wait)
    notification = Notification(
        id=uuid4(),
        kind=NotificationKind.TEST,
        person_id=person_id,
        campaign_class=CampaignClass.SERVICE,
        title=title,
        body=body,
        created_at=at,
        expires_at=at + LIFETIME,
    )
    session.add(notification)
    session.flush()
    return notification


def wait_for_next(made: Sequence[datetime], *, at: datetime) -> timedelta:
    """Return how long until another test may be made; nothing or less if it may be now.

    Args:
        made: When those of the last window were made, oldest first.
        at: Now.
    """
    if not made:
        return timedelta(0)
    after_last = made[-1] + PAUSE - at
    if len(made) < MOST:
        return after_last
    return max(after_last, made[-MOST] + WINDOW - at)
