"""The index a process holds, kept true to the table."""

import threading

from sqlalchemy.orm import Session

from geoservices.geofences import queries
from geoservices.geofences.index import GeofenceIndex
from geoservices.scopes import everywhere


class LiveGeofences:
    """The newest index; any number of threads share one.

    Before an index is used its revision is compared with the table's, so that a geofence made
    before a ping is never missed; only what changed since is read again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._index = GeofenceIndex((), revision=-1)

    def current(self, session: Session, revision: int | None = None) -> GeofenceIndex:
        """Return an index that holds every geofence committed before this call.

        Args:
            session: The session.
            revision: The counter's value, if the session's transaction has asked for it already.
        """
        revision = queries.revision(session) if revision is None else revision
        index = self._index
        if index.revision >= revision:
            return index
        with self._lock:
            if self._index.revision < revision:
                self._refresh(session, revision)
            return self._index

    def _refresh(self, session: Session, revision: int) -> None:
        # Whoever asked first, the index is everybody's.
        with everywhere(session):
            changes = queries.changed_since(session, self._index.revision)
            self._index = self._index.updated(changes, revision=revision)
