"""What has been kept for long enough is deleted."""

from datetime import datetime

from geoservices.database import SessionFactory, transaction
from geoservices.erasures import service as erasures
from geoservices.retention.queries import RULES, delete_over, people_left, sign_off_unused
from geoservices.settings.service import Settings

AT_ONCE = 1000
"""Rows deleted in one transaction, so that nobody waits for long."""


def apply(sessions: SessionFactory, *, settings: Settings, at: datetime) -> dict[str, int]:
    """Delete what is over by each rule, some rows at a time. Any number of workers may do this.

    Devices that nobody uses are signed off first, and go when their time is over like others.
    Citizens of whom nothing is left to be known by are erased like whoever asks for it.

    Returns:
        How many rows went by each rule that found any, how many devices were signed off, and how
        many people are being erased.
    """
    retention = settings.retention
    gone = {"unused_devices": _sign_off_unused(sessions, settings=settings, at=at)}
    for rule in RULES:
        gone[rule.name] = 0
        deleted = AT_ONCE
        while deleted == AT_ONCE:
            with transaction(sessions) as session:
                before = at - rule.period(retention)
                deleted = delete_over(session, rule, before=before, limit=AT_ONCE)
            gone[rule.name] += deleted
    gone["people"] = _erase_left(sessions, settings=settings, at=at)
    return {name: count for name, count in gone.items() if count}


def _sign_off_unused(sessions: SessionFactory, *, settings: Settings, at: datetime) -> int:
    before = at - settings.retention.unused_devices
    count, signed_off = 0, AT_ONCE
    while signed_off == AT_ONCE:
        with transaction(sessions) as session:
            signed_off = sign_off_unused(session, before=before, at=at, limit=AT_ONCE)
        count += signed_off
    return count


def _erase_left(sessions: SessionFactory, *, settings: Settings, at: datetime) -> int:
    before = at - settings.retention.devices
    count = 0
    while True:
        with transaction(sessions) as session:
            left = people_left(session, before=before, limit=AT_ONCE)
        for person_id in left:
            with transaction(sessions) as session:
                erasures.ask_for(session, person_id, settings=settings, at=at)
        count += len(left)
        if len(left) < AT_ONCE:
            return count
