"""What a manager says of an event."""

from dataclasses import dataclass
from typing import ClassVar

from geoservices.events.models import Event
from geoservices.listings.drafts import ListingDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDraft(ListingDraft):
    """What is said of an event besides."""

    makes: ClassVar[type[Event]] = Event
