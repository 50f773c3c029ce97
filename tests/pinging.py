"""Positions by the thousand, stored past the service."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

PINGS = """
    INSERT INTO pings (device_id, recorded_at, id, received_at, lon, lat, accuracy_m, signs)
    SELECT :device, now() - number * interval '100 milliseconds', gen_random_uuid(), now(),
        -3.53 + number * 1e-7, 50.72, 8, 0
    FROM generate_series(1, :count) AS number
"""


def make_pings(session: Session, device_id: UUID, count: int) -> None:
    """Let a device have sent so many."""
    session.execute(text(PINGS), {"device": device_id, "count": count})
