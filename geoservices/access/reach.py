"""Reach: the places at which somebody's rights count, by tag or by area."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.geometry.areas import AreaRefused, read_area, to_geojson

LONGEST_TAG = 40
MOST_TAGS = 50
MOST_VERTICES = 2_000
"""Of an area; a council's outline has fewer once it is drawn for a map."""


class ReachRefused(GeoservicesError):
    """The reach names no places, or its area is none."""

    kind = ErrorKind.INVALID
    code = "reach-refused"
    title = "The reach cannot be used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A place is within reach if it has one of the tags, or if its point lies in the area.

    Tags count at the organisation's own places: those of a partner's are the partner's words.
    `area` is the text of a GeoJSON MultiPolygon (RFC 7946), its edges straight in degrees.
    """

    tags: frozenset[str] = frozenset()
    area: str | None = None

    def stored(self) -> dict[str, Any]:
        """Return the reach as it is kept in the database and shown."""
        return {"tags": sorted(self.tags), "area": self.area and json.loads(self.area)}


def read_reach(tags: Collection[str], area: Mapping[str, Any] | None) -> Reach:
    """Read what somebody asks for as a reach.

    Args:
        tags: Normal ones (`normal_tag`).
        area: A GeoJSON Polygon or MultiPolygon, in degrees on WGS 84.

    Raises:
        ReachRefused: It names nothing, or the area is none.
    """
    if not tags and area is None:
        raise ReachRefused("Name a tag or an area, or leave the reach out.", field="/reach")
    return Reach(tags=frozenset(tags), area=None if area is None else _text_of(area))


def reach_of(stored: Mapping[str, Any] | None) -> Reach | None:
    """Return a reach from the database; None if there is no limit."""
    if stored is None:
        return None
    area = stored["area"]
    return Reach(tags=frozenset(stored["tags"]), area=area and json.dumps(area))


def normal_tag(text: str) -> str:
    """Return a tag in the one way in which it is written: in lower case, with single spaces."""
    return " ".join(text.lower().split())


def _text_of(area: Mapping[str, Any]) -> str:
    if area.get("type") == "Point":
        raise ReachRefused("A reach is a Polygon or a MultiPolygon.", field="/reach/area/type")
    try:
        read = read_area(area, max_vertices=MOST_VERTICES)
    except AreaRefused as refused:
        raise ReachRefused(str(refused), field="/reach/area") from refused
    return json.dumps(to_geojson(read), separators=(",", ":"))
