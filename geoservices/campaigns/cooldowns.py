"""Where a cooldown looks: anywhere, at one place, or at places that belong together."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID


class CooldownPer(StrEnum):
    """Where somebody must have been told something for a cooldown to hold the next back."""

    CAMPAIGN = "campaign"
    """Anywhere."""
    PLACE = "place"
    """At the same place."""
    PARENT_PLACE = "parent-place"
    """There, or at a place that belongs together with it."""


IN_WORDS: Final[Mapping[CooldownPer, str]] = {
    CooldownPer.CAMPAIGN: "",
    CooldownPer.PLACE: " at this place",
    CooldownPer.PARENT_PLACE: " at this place, or at one that belongs to it,",
}
"""Where somebody was told something, as it stands in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place, and the one that it is part of; None of what is about no place."""

    place_id: UUID | None
    parent_id: UUID | None

    def belongs_with(self, other: "Spot") -> bool:
        """Tell whether one is the other, or its parent, or both have the same parent.

        What lies further apart does not belong together: a room of a library and the theatre beside
        that library, all in one civic centre, have no parent in common.
        """
        ours = {self.place_id, self.parent_id} - {None}
        return not ours.isdisjoint({other.place_id, other.parent_id})


def looks_at(told_at: Spot, here: Spot, per: CooldownPer) -> bool:
    """Tell whether a cooldown at one place minds what somebody was told at another.

    What is about no place is told as if that were one.
    """
    if per is CooldownPer.CAMPAIGN or told_at.place_id == here.place_id:
        return True
    return per is CooldownPer.PARENT_PLACE and told_at.belongs_with(here)
