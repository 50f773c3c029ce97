"""How feeds of events are fetched."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field


class FeedSettings(BaseModel, frozen=True, extra="forbid"):
    """How feeds of events are fetched from the addresses that managers name."""

    timeout: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(minutes=1))] = timedelta(
        seconds=20
    )
    """The longest one fetch may take, name look-up and answer included."""
    max_bytes: Annotated[int, Field(ge=1024, le=50_000_000)] = 5_000_000
    """The longest answer that is read."""
    longest_run: Annotated[timedelta, Field(ge=timedelta(seconds=1), le=timedelta(minutes=4))] = (
        timedelta(minutes=2)
    )
    """The longest that a worker is busy with one feed, fetching included; in whole seconds."""
    ca_file: Path | None = None
    """Certificates in PEM that vouch for servers of feeds in place of the system's."""
    allow_loopback: bool = False
    """Also fetch from loopback, by `http` too; for tests only."""
