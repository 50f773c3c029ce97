"""Places found, and places kept from imports."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.access.rights import READS
from geoservices.errors import NotFound
from geoservices.geometry.areas import Area, Circle
from geoservices.geometry.boxes import Bbox, check_box
from geoservices.geometry.position import Position
from geoservices.geometry.storage import point_ewkt, to_wkb
from geoservices.places import access_queries, queries
from geoservices.places.models import Place
from geoservices.places.queries import AfterDistance, AfterName, Wanted
from geoservices.places.sensitivity import SensitiveKind, Sensitivity
from geoservices.scopes import everywhere

DEFAULT_RADIUS_M = 5_000.0
"""How far "near" reaches unless told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRecord:
    """A place as a source tells of it, checked and ready to be kept.

    `opening_hours` is readable OSM syntax or None; `area` is None for a source that knows only
    a point. `tags` are normal ones (`access.reach.normal_tag`); none leaves those there are.
    `parent` is the external id of the place that it is part of (`parents.link`); None leaves what
    there is.
    """

    external_id: str
    name: str
    category: str
    point: Position
    time_zone: str
    address: str | None = None
    postcode: str | None = None
    website: str | None = None
    email: str | None = None
    opening_hours: str | None = None
    area: Area | None = None
    tags: tuple[str, ...] = ()
    sensitive: SensitiveKind | None = None
    parent: str | None = None


class Effect(StrEnum):
    """What an import did with a record."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Upserted:
    """A record's place and what was done."""

    place_id: UUID
    effect: Effect


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A place, where it is, and how far from where was asked (None if from nowhere)."""

    place: Place
    lon: float
    lat: float
    distance_m: float | None


def find_places(
    session: Session,
    *,
    near: Position | None = None,
    radius_m: float | None = None,
    bbox: Bbox | None = None,
    category: str | None = None,
    text: str | None = None,
    after: AfterDistance | AfterName | None = None,
    limit: int = 50,
) -> list[FoundPlace]:
    """Return a page of places that fit everything asked.

    With `near` they come nearest first, else in the order of their names; ties by id.

    Args:
        session: The transaction to read in.
        near: Where to look from.
        radius_m: How far from `near`; 5 km unless told.
        bbox: West, south, east, north; across the antimeridian if west is greater than east.
        category: Exactly this category.
        text: Part of name, address or postcode, whatever the case.
        after: The last place of the page before, of the kind that fits the order.
        limit: The most places on a page.

    Raises:
        BboxRefused: The box is none.
        TypeError: `after` does not fit the order.
    """
    if bbox is not None:
        check_box(bbox)
    wanted = Wanted(bbox=bbox, category=category, text=text)
    if near is None:
        if isinstance(after, AfterDistance):
            raise TypeError("Pages in the order of names go on after a name.")
        found = queries.by_name(session, wanted=wanted, after=after, limit=limit)
        return [_found(place, None) for place in found]
    if isinstance(after, AfterName):
        raise TypeError("Pages in the order of distances go on after a distance.")
    reach_m = DEFAULT_RADIUS_M if radius_m is None else radius_m
    nearest = queries.near(session, near, radius_m=reach_m, wanted=wanted, after=after, limit=limit)
    return [_found(place, distance_m) for place, distance_m in nearest]


def get_place(session: Session, place_id: UUID) -> Place:
    """Return a place.

    Raises:
        NotFound: There is none of that id.
    """
    place = queries.by_id(session, [place_id]).get(place_id)
    if place is None:
        raise NotFound("place")
    return place


def get_place_for(session: Session, place_id: UUID, grant: Grant) -> Place:
    """Return a place at which somebody may do what they ask for.

    It is the organisation's own, or shared with it for such things, and within reach. Where
    something is to be changed by a partner, the share does not end before the transaction does.

    Raises:
        NotFound: There is none of that id, or they may not do it there.
    """
    place = access_queries.place_for(session, place_id, grant)
    if place is None:
        raise NotFound("place")
    if place.organisation_id != grant.organisation_id and grant.right not in READS:
        _stay(session, place, grant)
    return place


def check_reach(session: Session, place_id: UUID, grant: Grant, what: str) -> None:
    """Refuse something of the organisation's own that is at a place out of reach.

    Raises:
        NotFound: It is there.
    """
    if not access_queries.is_reached(session, place_id, grant):
        raise NotFound(what)


def set_tags(session: Session, place_id: UUID, tags: Collection[str], grant: Grant) -> Place:
    """Give a place exactly these tags, normal ones (`access.reach.normal_tag`).

    Raises:
        NotFound: The place is not the organisation's, or out of reach.
    """
    place = get_place_for(session, place_id, grant)
    place.tags = sorted(set(tags))
    return place


def sensitivity_of(place: Place) -> Sensitivity | None:
    """Return a place's mark, whether it holds now or not."""
    if place.sensitive_kind is None:
        return None
    return Sensitivity(
        kind=SensitiveKind(place.sensitive_kind),
        from_=place.sensitive_from,
        until=place.sensitive_until,
    )


def is_sensitive(place: Place, at: datetime) -> bool:
    """Tell whether a place is sensitive at a moment, even if nobody has noticed yet."""
    sensitivity = sensitivity_of(place)
    return sensitivity is not None and sensitivity.holds(at)


def position_of(place: Place) -> Position:
    """Return where a place is."""
    return queries.position_at(place.point)


def upsert_places(
    session: Session,
    organisation_id: UUID,
    source: str,
    records: Sequence[PlaceRecord],
    *,
    drawn: str = "",
    at: datetime,
) -> list[Upserted]:
    """Keep records as an organisation's places, in two statements however many there are.

    A record whose digest is known already changes nothing. `geofences.importing` also draws
    the geofences; what it draws with is in `drawn`, so that another margin counts as a change.

    Args:
        session: The transaction to write in.
        organisation_id: Whose places they are.
        source: The name of the source; with an external id it makes a place known again.
        records: No two with the same external id.
        drawn: Anything else the digest should depend on.
        at: The present.

    Returns:
        One result for each record, in the same order.
    """
    known = queries.known(
        session, organisation_id, source, [record.external_id for record in records]
    )
    digests = {record.external_id: digest_of(record, drawn) for record in records}
    effects = {key: _effect(known.get(key), digest) for key, digest in digests.items()}
    changed = [record for record in records if effects[record.external_id] != Effect.UNCHANGED]
    ids = {key: place_id for key, (place_id, _) in known.items()}
    if changed:
        # Rows are locked in this order, so that two imports cannot wait for each other.
        changed.sort(key=lambda record: record.external_id)
        rows = [
            _row(record, digests[record.external_id], organisation_id, source, at)
            for record in changed
        ]
        ids |= queries.store_imported(session, rows)
    return [Upserted(ids[record.external_id], effects[record.external_id]) for record in records]


def digest_of(record: PlaceRecord, drawn: str = "") -> bytes:
    """Return the SHA-256 of everything an import keeps of a record."""
    told = [
        record.external_id,
        record.name,
        record.category,
        [record.point.lon, record.point.lat],
        record.time_zone,
        record.address,
        record.postcode,
        record.website,
        record.email,
        record.opening_hours,
        record.sensitive,
        record.tags,
        record.parent,
        to_wkb(record.area).hex() if record.area else None,
        record.area.radius_m if isinstance(record.area, Circle) else None,
        drawn,
    ]
    return sha256(json.dumps(told, separators=(",", ":")).encode()).digest()


def search_words(name: str, address: str | None, postcode: str | None) -> str:
    """Return what a text search looks through."""
    return " ".join(part for part in (name, address, postcode) if part).lower()


def _stay(session: Session, place: Place, grant: Grant) -> None:
    # The share is the owner's row, which partners only read.
    with everywhere(session):
        shared = access_queries.hold_share(session, place.id, grant.organisation_id)
    if not shared:
        raise NotFound("place")


def _effect(known: tuple[UUID, bytes] | None, digest: bytes) -> Effect:
    if known is None:
        return Effect.ADDED
    return Effect.UNCHANGED if known[1] == digest else Effect.UPDATED


def _row(
    record: PlaceRecord, digest: bytes, organisation_id: UUID, source: str, at: datetime
) -> dict[str, object]:
    return {
        "id": uuid4(),
        "organisation_id": organisation_id,
        "source": source,
        "external_id": record.external_id,
        "name": record.name,
        "category": record.category,
        "address": record.address,
        "postcode": record.postcode,
        "website": record.website,
        "email": record.email,
        "point": queries.element_of(point_ewkt(record.point)),
        "opening_hours": record.opening_hours,
        "time_zone": record.time_zone,
        "words": search_words(record.name, record.address, record.postcode),
        "tags": list(record.tags),
        "digest": digest,
        "sensitive_kind": record.sensitive,
        "sensitive_at": at if record.sensitive else None,
        "created_at": at,
        "updated_at": at,
    }


def _found(place: Place, distance_m: float | None) -> FoundPlace:
    position = position_of(place)
    return FoundPlace(place, position.lon, position.lat, distance_m)
