"""What sets campaigns off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final, NamedTuple
from uuid import UUID

from geoservices.accounts.models import Person
from geoservices.campaigns.rules import Gate, Trigger
from geoservices.campaigns.run_models import CampaignRun
from geoservices.places.models import Place

OF_PRESENCE: Final = frozenset({Gate.CONFIDENCE, Gate.AGE, Gate.DUPLICATE})
"""Gates that ask how sure it is that somebody is there, since when, and on which visit."""
OF_PLACES: Final = frozenset({Gate.SENSITIVE_PLACE, Gate.OPENING_HOURS, Gate.PLACE_CAP})
OF_WORK: Final = frozenset({Gate.WORKING_HOURS})
"""Whoever sets a campaign off by being somewhere is about, whatever their hours."""


class OneOfMany(NamedTuple):
    """Somebody whom a run goes through: no more is read of them than campaigns ask."""

    id: UUID
    organisation_id: UUID | None
    role: str
    time_zone: str
    language: str | None
    quiet_from: time | None
    quiet_until: time | None
    working_hours: str | None
    skills: Sequence[str]
    disabled_at: datetime | None


Someone = Person | OneOfMany


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """That a message because of an occasion was held back, and is looked at again.

    `first_id` and `first_at` are of the first decision about it, `until` is when the last one
    said that it was to be looked at again. The version that held it back is the one to speak, in
    the `run` it did it in, if it was one.
    """

    first_id: UUID
    first_at: datetime
    until: datetime
    campaign_id: UUID
    version: int
    run: CampaignRun | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A transition, a check-in, or a run's turn at somebody; exactly one id is set.

    With none, it was taken back since a message because of it was held back. A run knows nothing of
    where anybody is, so `confidence` is 0. It may be about no place.
    """

    trigger: Trigger
    occurred_at: datetime
    confidence: int
    person: Someone
    place: Place | None
    transition_id: UUID | None = None
    check_in_id: UUID | None = None
    run_id: UUID | None = None
    held: Held | None = None

    @property
    def key(self) -> UUID | None:
        """Whichever of the ids of what somebody did is set."""
        return self.transition_id or self.check_in_id

    @property
    def was_taken_back(self) -> bool:
        """Whether what a message was held back because of never was, as is known by now."""
        return self.key is None and self.run_id is None

    @property
    def place_id(self) -> UUID | None:
        """The place that it is about, if it is about one."""
        return None if self.place is None else self.place.id

    @property
    def unasked(self) -> frozenset[Gate]:
        """The gates that have nothing to ask about."""
        if self.run_id is None:
            return OF_WORK
        return OF_PRESENCE if self.place is not None else OF_PRESENCE | OF_PLACES
