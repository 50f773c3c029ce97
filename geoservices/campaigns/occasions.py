"""What sets campaigns off."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from geoservices.accounts.models import Person
from geoservices.campaigns.rules import Trigger
from geoservices.places.models import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """That a message because of an occasion was held back, and is looked at again.

    `first_id` and `first_at` are of the first decision about it, `until` is when the last one
    said that it was to be looked at again. The version that held it back is the one to speak.
    """

    first_id: UUID
    first_at: datetime
    until: datetime
    campaign_id: UUID
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A transition or check-in, with whom and where it concerns; exactly one id is set.

    With neither, it was taken back since a message because of it was held back.
    """

    trigger: Trigger
    occurred_at: datetime
    confidence: int
    person: Person
    place: Place
    transition_id: UUID | None = None
    check_in_id: UUID | None = None
    held: Held | None = None

    @property
    def key(self) -> UUID | None:
        """Whichever of the two ids is set."""
        return self.transition_id or self.check_in_id
