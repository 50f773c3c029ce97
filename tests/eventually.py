"""Waiting for what other processes do."""

import time
from collections.abc import Callable
from datetime import timedelta


def eventually(happened: Callable[[], object], *, within: timedelta) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: It is not so in time.
    """
    give_up_at = time.monotonic() + within.total_seconds()
    while not happened():
        assert time.monotonic() < give_up_at, f"It did not happen within {within}."
        time.sleep(0.1)
