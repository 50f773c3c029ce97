"""Places where having been seen says something about a person that is nobody's business."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SensitiveKind(StrEnum):
    """Why a place is sensitive: what having been there may tell (UK GDPR article 9, and more)."""

    CLINIC = "clinic"
    SHELTER = "shelter"
    WORSHIP = "worship"
    POLLING = "polling"
    COURT = "court"
    PRISON = "prison"
    UNION = "union"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """The mark of a place: why it is sensitive, and from when until when.

    Without `from_` it holds at once, without `until` for good. A school is a polling place for a
    day.
    """

    kind: SensitiveKind
    from_: datetime | None = None
    until: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Tell whether the place is sensitive at a moment."""
        return (self.from_ is None or self.from_ <= at) and (self.until is None or at < self.until)


TAGS: Mapping[tuple[str, str], SensitiveKind] = {
    ("amenity", "clinic"): SensitiveKind.CLINIC,
    ("amenity", "doctors"): SensitiveKind.CLINIC,
    ("amenity", "hospital"): SensitiveKind.CLINIC,
    ("amenity", "courthouse"): SensitiveKind.COURT,
    ("amenity", "place_of_worship"): SensitiveKind.WORSHIP,
    ("amenity", "polling_station"): SensitiveKind.POLLING,
    ("amenity", "prison"): SensitiveKind.PRISON,
    ("amenity", "refugee_site"): SensitiveKind.SHELTER,
    ("building", "church"): SensitiveKind.WORSHIP,
    ("building", "mosque"): SensitiveKind.WORSHIP,
    ("building", "synagogue"): SensitiveKind.WORSHIP,
    ("building", "temple"): SensitiveKind.WORSHIP,
    ("office", "union"): SensitiveKind.UNION,
    ("polling_station", "yes"): SensitiveKind.POLLING,
    ("social_facility", "shelter"): SensitiveKind.SHELTER,
    ("social_facility", "healthcare"): SensitiveKind.CLINIC,
    ("social_facility", "outreach"): SensitiveKind.SHELTER,
}
"""OpenStreetMap's tags that tell it. `amenity=shelter` is a roof against the rain."""
HEALTHCARE = "healthcare"
"""Whatever this tag's value is but `no`, it is somewhere where people are treated."""


def guess(properties: Mapping[str, object]) -> SensitiveKind | None:
    """Return why a feature is probably sensitive, by its tags or its category.

    Args:
        properties: OpenStreetMap's tags; a `category` with the value of one of `amenity`, or with
            the word for a kind, counts too.
    """
    for (tag, value), kind in TAGS.items():
        if properties.get(tag) == value:
            return kind
    if properties.get(HEALTHCARE) not in {None, "no"}:
        return SensitiveKind.CLINIC
    category = properties.get("category")
    if category in set(SensitiveKind) - {SensitiveKind.OTHER}:
        return SensitiveKind(str(category))
    return TAGS.get(("amenity", str(category)))
