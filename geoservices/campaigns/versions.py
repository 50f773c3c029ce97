"""What versions define, read once by each process: a version never changes."""

from collections.abc import Collection
from typing import Final

from sqlalchemy.orm import Session

from geoservices.campaigns import definitions, queries
from geoservices.campaigns.definitions import Definition
from geoservices.campaigns.queries import VersionKey

KEPT: Final = 5000
"""So many at most, some kilobytes each; then all are forgotten and read again."""
_read: dict[VersionKey, Definition] = {}


def definitions_of(
    session: Session, versions: Collection[VersionKey]
) -> dict[VersionKey, Definition]:
    """Return what versions define, by campaign and number."""
    found = {key: _read[key] for key in versions if key in _read}
    if unread := set(versions) - found.keys():
        stored = queries.definitions_of(session, unread)
        found |= {key: definitions.read(stored[key]) for key in unread}
        if len(_read) + len(unread) > KEPT:
            _read.clear()
        _read.update((key, found[key]) for key in unread)
    return found
