"""What sets campaigns off."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from geoservices.accounts.models import Person
from geoservices.campaigns.rules import Trigger
from geoservices.places.models import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A transition or check-in, with whom and where it concerns; exactly one id is set."""

    trigger: Trigger
    occurred_at: datetime
    confidence: int
    person: Person
    place: Place
    transition_id: UUID | None = None
    check_in_id: UUID | None = None

    @property
    def key(self) -> UUID | None:
        """Whichever of the two ids is set."""
        return self.transition_id or self.check_in_id
