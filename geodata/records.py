"""Features turned into records of places, or refused with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from geodata.properties import (
    LONGEST_ID,
    Unusable,
    clean,
    hours_of,
    osm_address,
    parent_of,
    tags_of,
    texts_of,
)
from geodata.sources.geojson import Located
from geodata.sources.scanning import Repeated
from geoservices.geometry.areas import (
    Area,
    AreaRefused,
    Circle,
    Polygonal,
    check_bbox,
    check_crs,
    middle,
    read_area,
)
from geoservices.places.sensitivity import SensitiveKind, guess
from geoservices.places.service import PlaceRecord

ID_PROPERTIES = ("id", "@id", "uprn")
"""Where a feature's id is looked for if it has none of its own."""
LONGEST_NAME = 200
FOREIGN_MEMBERS = ("coordinates", "geometries", "features")
"""Members that a Feature must not have (RFC 7946 section 7.1)."""


class NoteKind(StrEnum):
    """What a note tells of a feature."""

    REFUSED = "refused"
    WARNING = "warning"
    REPAIRED = "repaired"


@dataclass(frozen=True, slots=True)
class Note:
    """Something that whoever imports should know of a feature; `line` is where it begins."""

    line: int
    id: str | None
    kind: NoteKind
    field: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a source's features are to be read.

    `category` is for features that state none. `id_property` and `name_property` name the
    properties that hold id and name where a source has its own words for them. A polygon may
    have `max_vertices` positions; a Point becomes a circle of `radius_m` metres.
    """

    time_zone: str
    radius_m: float
    max_vertices: int
    category: str = "place"
    id_property: str | None = None
    name_property: str = "name"


@dataclass(slots=True)
class ReadFeature:
    """What came of a feature: a record unless it was refused, and notes."""

    line: int
    id: str | None = None
    record: PlaceRecord | None = None
    notes: list[Note] = field(default_factory=list)

    def note(self, kind: NoteKind, reason: str, field: str | None = None) -> None:
        """Add a note."""
        self.notes.append(Note(self.line, self.id, kind, field, reason))

    def refuse(self, reason: str, field: str | None = None) -> None:
        """Add a refusal; there is no record any more."""
        self.record = None
        self.note(NoteKind.REFUSED, reason, field)

    def warn(self, reason: str | None, field: str) -> None:
        """Add a warning, if there is a reason for one."""
        if reason is not None:
            self.note(NoteKind.WARNING, reason, field)


class FeatureRefused(ValueError):
    """The feature cannot become a place; `field` is a JSON Pointer into it."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        self.field = field
        super().__init__(reason)


def read_feature(located: Located, reading: Reading) -> ReadFeature:
    """Make a record of a place from a feature.

    Refused are features without a name, an id or an area (Point, Polygon or MultiPolygon). A
    polygon that is nearly right is mended (`geometry.validity` has the rule), which is noted.
    Opening hours and other texts that cannot be used are left out, which is noted; the place is
    kept. A place's point is the middle of its area.
    """
    result = ReadFeature(located.line, id=_told_id(located.value))
    try:
        result.record = _read(located, reading, result)
    except (FeatureRefused, AreaRefused) as refusal:
        result.refuse(str(refusal), refusal.field)
    return result


def _read(located: Located, reading: Reading, result: ReadFeature) -> PlaceRecord:
    feature = _feature(located)
    properties = _properties(feature)
    result.id = _id(feature, properties, reading)
    _check_members(feature)
    name = _name(properties, reading)
    area = _area(feature["geometry"], reading)
    if isinstance(area, Polygonal):
        for repair in area.repairs:
            result.note(NoteKind.REPAIRED, repair, "/geometry/coordinates")
    texts: dict[str, str | None] = {}
    for key, text, problem in texts_of(properties):
        texts[key] = text
        result.warn(problem, f"/properties/{key}")
    hours, problem = hours_of(properties)
    result.warn(problem, "/properties/opening_hours")
    tags, problem = tags_of(properties)
    result.warn(problem, "/properties/tags")
    parent, problem = parent_of(properties)
    result.warn(problem, "/properties/parent")
    return PlaceRecord(
        external_id=result.id,
        name=name,
        category=texts["category"] or reading.category,
        point=middle(area),
        time_zone=reading.time_zone,
        address=texts["address"] or osm_address(properties),
        postcode=texts["postcode"],
        website=texts["website"],
        email=texts["email"],
        opening_hours=hours,
        area=None if isinstance(area, Circle) else area,
        tags=tags,
        sensitive=_sensitive(properties),
        parent=parent,
    )


def _sensitive(properties: Mapping[str, object]) -> SensitiveKind | None:
    """Return why a place is sensitive: as the source says, else as its tags let guess."""
    told = properties.get("sensitive")
    if told is False:
        return None
    if isinstance(told, str) and told in set(SensitiveKind):
        return SensitiveKind(told)
    return guess(properties) or (SensitiveKind.OTHER if told is True else None)


def _told_id(value: object) -> str | None:
    """Return what a refusal may call the feature by, before its id has been checked."""
    told = value.get("id") if isinstance(value, dict) else None
    return told[:LONGEST_ID] if isinstance(told, str) else None


def _feature(located: Located) -> dict[str, object]:
    if located.broken is not None:
        raise FeatureRefused(located.broken)
    feature = located.value
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise FeatureRefused('a GeoJSON Feature is expected: an object of type "Feature"', "/type")
    return feature


def _properties(feature: Mapping[str, object]) -> dict[str, object]:
    properties = feature.get("properties", "missing")
    if properties is None:
        return {}
    if not isinstance(properties, dict):
        raise FeatureRefused("properties must be an object or null", "/properties")
    return properties


def _id(feature: Mapping[str, object], properties: Mapping[str, object], reading: Reading) -> str:
    if reading.id_property is not None:
        return _checked_id(
            properties.get(reading.id_property), f"/properties/{reading.id_property}"
        )
    if feature.get("id") is not None:
        return _checked_id(feature["id"], "/id")
    for name in ID_PROPERTIES:
        if properties.get(name) is not None:
            return _checked_id(properties[name], f"/properties/{name}")
    raise FeatureRefused(
        "it has no id; without one the next import could not know it again (see --id-property)",
        "/id",
    )


def _checked_id(value: object, pointer: str) -> str:
    if isinstance(value, float):
        value = repr(value)
    try:
        found = clean(value, LONGEST_ID)
    except Unusable as error:
        raise FeatureRefused(f"its id {error}; a string or number is expected", pointer) from error
    if found is None:
        raise FeatureRefused("its id is empty", pointer)
    return found


def _check_members(feature: Mapping[str, object]) -> None:
    if isinstance(feature, Repeated):
        raise FeatureRefused("it gives a member's name twice")
    for name in ("properties", "geometry"):
        if isinstance(feature.get(name), Repeated):
            raise FeatureRefused(f"{name} gives a member's name twice", f"/{name}")
    for name in FOREIGN_MEMBERS:
        if name in feature:
            raise FeatureRefused(f"a Feature has no member {name!r} (RFC 7946, 7.1)", f"/{name}")
    if "crs" in feature:
        check_crs(feature["crs"], field="/crs")
    if "bbox" in feature:
        check_bbox(feature["bbox"], field="/bbox")
    if feature.get("geometry") is None:
        raise FeatureRefused("it has no geometry, so it is nowhere", "/geometry")


def _name(properties: Mapping[str, object], reading: Reading) -> str:
    pointer = f"/properties/{reading.name_property}"
    try:
        name = clean(properties.get(reading.name_property), LONGEST_NAME)
    except Unusable as error:
        raise FeatureRefused(f"its name {error}", pointer) from error
    if name is None:
        raise FeatureRefused("it has no name (see --name-property)", pointer)
    return name


def _area(geometry: object, reading: Reading) -> Area:
    is_point = isinstance(geometry, dict) and geometry.get("type") == "Point"
    return read_area(
        geometry,
        radius_m=reading.radius_m if is_point else None,
        max_vertices=reading.max_vertices,
        repair=True,
    )
