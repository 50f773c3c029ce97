"""Waiting for a database that is away, while what was sent is not written down yet."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import psycopg
from sqlalchemy.exc import OperationalError as DatabaseError

from geoservices import clock

PAUSE = timedelta(milliseconds=500)
"""Between two attempts to write."""

Written = TypeVar("Written")


def write_down(write: Callable[[], Written], *, before: datetime) -> Written:
    """Return what writing returns, tried again while the database is away until a lease ends.

    Without this, whatever was accepted while the database restarts would be sent a second time.

    Args:
        write: One whole transaction, which may be run again though it was committed.
        before: When the lease ends.

    Raises:
        psycopg.OperationalError: The database was away until then.
        sqlalchemy.exc.OperationalError: The same.
    """
    while True:
        try:
            return write()
        except (psycopg.OperationalError, DatabaseError):
            if clock.now() + PAUSE >= before:
                raise
            time.sleep(PAUSE.total_seconds())
