"""What a provider publishes, kept for a while, so that no crowd of browsers asks it for them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Generic, TypeVar

from geoservices.oidc.refusals import ProviderUnavailable
from geoservices.push.vapid import Clock

LIFETIME: Final = timedelta(hours=1)
"""A key that the provider withdrew is believed for this long at most."""
RENEWED_AFTER: Final = timedelta(minutes=1)
"""What seems out of date is asked for again, but not more often than this."""
PAUSE: Final = timedelta(seconds=10)
"""A provider that did not answer is left alone for this long; threads shall not wait in rows."""

Document = TypeVar("Document")


class Remembered(Generic[Document]):
    """One of a provider's documents."""

    def __init__(self, load: Callable[[], Document], *, now: Clock) -> None:
        self._load = load
        self._now = now
        self._lock = Lock()
        self._kept: tuple[datetime, Document] | None = None
        self._failed: tuple[datetime, str] | None = None

    def get(self) -> Document:
        """Return it, at most an hour old.

        Raises:
            ProviderUnavailable: It cannot be had.
        """
        return self._not_older_than(LIFETIME)

    def renew(self) -> Document:
        """Return it, at most a minute old.

        Raises:
            ProviderUnavailable: It cannot be had.
        """
        return self._not_older_than(RENEWED_AFTER)

    def _not_older_than(self, age: timedelta) -> Document:
        with self._lock:
            at = self._now()
            if self._kept is not None and timedelta(0) <= at - self._kept[0] < age:
                return self._kept[1]
            if self._failed is not None and timedelta(0) <= at - self._failed[0] < PAUSE:
                raise ProviderUnavailable(self._failed[1])
            try:
                loaded = self._load()
            except ProviderUnavailable as error:
                self._failed = (self._now(), error.reason)
                raise
            self._kept, self._failed = (at, loaded), None
            return loaded
