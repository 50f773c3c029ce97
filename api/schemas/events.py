"""Events on the wire."""

from typing import Literal

from api.schemas.listings import ListingFields, ListingOut, ListingShown
from geoservices.events.drafts import EventDraft
from geoservices.listings.models import ListingKind


class EventIn(ListingFields):
    """What a manager says of an event."""

    kind: Literal[ListingKind.EVENT]

    def to_draft(self) -> EventDraft:
        """Return what the domain takes."""
        return EventDraft(**self.model_dump(exclude={"id"}))


class EventOut(ListingOut):
    """An event as its managers see it."""

    kind: Literal[ListingKind.EVENT]


class EventShown(ListingShown):
    """An event as people see it."""

    kind: Literal[ListingKind.EVENT]
