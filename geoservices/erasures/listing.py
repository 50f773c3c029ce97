"""What operators do about the list of who was erased, in lines of text."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from geoservices.database import SessionFactory
from geoservices.erasures import queries, service
from geoservices.erasures.marks import read_list, write_list
from geoservices.settings.service import Settings


def export(session: Session) -> str:
    """Return the list, one entry a line."""
    return "\n".join(write_list(queries.marks(session)))


def replay(
    sessions: SessionFactory, lines: Iterable[str], *, settings: Settings, at: datetime
) -> str:
    """Erase whoever is on a list and in this database; say how many that were.

    Raises:
        ValueError: It is no list, or was made with another code key; nobody was erased.
    """
    listed = read_list([line for line in lines if line.strip()])
    done = service.replay(sessions, listed, settings=settings, at=at)
    return f"on the list: {done.listed}, erased again: {done.people}, with rows: {done.rows}"
