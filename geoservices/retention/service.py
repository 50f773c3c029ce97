"""What has been kept for long enough is deleted."""

from datetime import datetime

from geoservices.database import SessionFactory, transaction
from geoservices.retention.queries import RULES, delete_over
from geoservices.settings.privacy import RetentionSettings

AT_ONCE = 1000
"""Rows deleted in one transaction, so that nobody waits for long."""


def apply(
    sessions: SessionFactory, *, retention: RetentionSettings, at: datetime
) -> dict[str, int]:
    """Delete what is over by each rule, some rows at a time. Any number of workers may do this.

    Returns:
        How many rows went by each rule that found any.
    """
    gone: dict[str, int] = {}
    for rule in RULES:
        deleted = AT_ONCE
        while deleted == AT_ONCE:
            with transaction(sessions) as session:
                before = at - rule.period(retention)
                deleted = delete_over(session, rule, before=before, limit=AT_ONCE)
            if deleted:
                gone[rule.name] = gone.get(rule.name, 0) + deleted
    return gone
