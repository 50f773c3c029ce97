"""Geofences made, redrawn and deleted."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.errors import ErrorKind, GeoservicesError, IdTaken, NotFound
from geoservices.geofences import queries
from geoservices.geofences.models import Geofence
from geoservices.geofences.overrides import PresenceOverrides
from geoservices.geometry.areas import Area, Circle, middle
from geoservices.geometry.boxes import Bbox, check_box
from geoservices.geometry.position import Position
from geoservices.geometry.storage import from_wkb, point_ewkt, to_ewkt, to_wkb
from geoservices.places.queries import element_of, position_at, wkb_of
from geoservices.places.service import get_place_for

LARGEST_MARGIN_M = 1_000.0
SWAPPED_WITHIN_DEG = 1.0
"""A geofence this near its place once its numbers are exchanged, and only then, was drawn so."""


class RevisionMismatch(GeoservicesError):
    """Someone else changed the geofence since the asker read it."""

    kind = ErrorKind.PRECONDITION
    code = "geofence-changed"
    title = "The geofence has changed meanwhile"

    def __init__(self, *, expected: int, current: int) -> None:
        self.revision = current
        super().__init__(
            f"You know revision {expected}, but it is at {current}. Read it again, then decide."
        )

    def extra(self) -> dict[str, object]:
        """Tell the revision it has now."""
        return {"revision": self.revision}


class DraftRefused(GeoservicesError):
    """A number of the draft is out of its range, or longitude and latitude look exchanged."""

    kind = ErrorKind.INVALID
    code = "geofence-refused"
    title = "The geofence cannot be used"


@dataclass(frozen=True, slots=True, kw_only=True)
class GeofenceDraft:
    """What a manager says of a geofence; `id` is the client's own, if it has one."""

    id: UUID | None = None
    place_id: UUID
    name: str
    area: Area
    margin_m: float = 0.0
    dwell_after: timedelta = timedelta(minutes=5)
    enabled: bool = True
    presence: PresenceOverrides = field(default_factory=PresenceOverrides)


def create_geofence(
    session: Session, draft: GeofenceDraft, *, grant: Grant, at: datetime
) -> Geofence:
    """Store a geofence; the same id and content again returns the first and changes nothing.

    Raises:
        NotFound: The place is not the organisation's.
        IdTaken: The id belongs to a geofence with other content, or to a deleted one.
        DraftRefused: Margin or dwell time is out of range, or the area's numbers are exchanged.
    """
    _check(session, draft, grant)
    geofence_id = draft.id or uuid4()
    # Looked up first, since even an insertion that does nothing counts as a change.
    if queries.by_id(session, geofence_id) is None:
        queries.insert_if_new(session, _new_values(geofence_id, draft, grant.organisation_id, at))
    geofence = queries.by_id(session, geofence_id)
    if geofence is None or not _says(geofence, draft, grant.organisation_id):
        raise IdTaken("geofence")
    return geofence


def replace_geofence(
    session: Session,
    geofence_id: UUID,
    draft: GeofenceDraft,
    *,
    grant: Grant,
    expected_revision: int | None,
    at: datetime,
) -> Geofence:
    """Make a geofence what the draft says; from then on no import redraws it.

    Args:
        session: The transaction to write in.
        geofence_id: Which one; the draft's own id is ignored.
        draft: Everything it shall be.
        grant: Whoever asks for it.
        expected_revision: The revision the manager read; None replaces whatever is there.
        at: The present.

    Raises:
        NotFound: The geofence or the place is not the organisation's, out of reach or deleted.
        RevisionMismatch: It has another revision by now.
        DraftRefused: Margin or dwell time is out of range, or the area's numbers are exchanged.
    """
    _check(session, draft, grant)
    queries.lock_revision(session)
    geofence = queries.owned(session, geofence_id, grant, lock=True)
    if geofence is None or geofence.deleted_at is not None:
        raise NotFound("geofence")
    if expected_revision not in {None, geofence.revision}:
        raise RevisionMismatch(expected=expected_revision, current=geofence.revision)
    if _says(geofence, draft, grant.organisation_id) and not geofence.imported:
        return geofence
    for column, value in values_of(draft).items():
        setattr(geofence, column, value)
    geofence.disabled_at = None if draft.enabled else geofence.disabled_at or at
    geofence.imported = False
    session.flush()
    session.refresh(geofence)
    return geofence


def delete_geofence(session: Session, geofence_id: UUID, *, grant: Grant, at: datetime) -> None:
    """Stop watching for good; its history stays. Deleting again changes nothing.

    Raises:
        NotFound: It is not the organisation's.
    """
    queries.lock_revision(session)
    geofence = queries.owned(session, geofence_id, grant, lock=True)
    if geofence is None:
        raise NotFound("geofence")
    if geofence.deleted_at is None:
        geofence.deleted_at = at
        session.flush()


def get_geofence(session: Session, geofence_id: UUID, *, grant: Grant) -> Geofence:
    """Return a geofence.

    Raises:
        NotFound: It is not the organisation's or out of reach, or it is deleted.
    """
    geofence = queries.owned(session, geofence_id, grant)
    if geofence is None or geofence.deleted_at is not None:
        raise NotFound("geofence")
    return geofence


def list_geofences(
    session: Session,
    grant: Grant,
    *,
    place_id: UUID | None = None,
    bbox: Bbox | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Geofence]:
    """Return a page of an organisation's geofences, disabled ones too, in the order of their ids.

    Args:
        session: The transaction to read in.
        grant: Whoever asks for them.
        place_id: Only those of this place.
        bbox: Only those that meet this box; it may cross the antimeridian.
        after: The last id of the page before.
        limit: The most geofences on a page.

    Raises:
        BboxRefused: The box is none.
    """
    if bbox is not None:
        check_box(bbox)
    return queries.page(session, grant, place_id=place_id, bbox=bbox, after=after, limit=limit)


def area_of(geofence: Geofence) -> Area:
    """Return the area a stored geofence watches, without its margin."""
    if geofence.centre is not None and geofence.radius_m is not None:
        return Circle(position_at(geofence.centre), geofence.radius_m)
    return from_wkb(wkb_of(geofence.area))


def values_of(draft: GeofenceDraft) -> dict[str, object]:
    """Return the columns that hold what a draft says, apart from its id and whether it is on."""
    circle = draft.area if isinstance(draft.area, Circle) else None
    return {
        "place_id": draft.place_id,
        "name": draft.name,
        "area": element_of(to_ewkt(draft.area)),
        "centre": element_of(point_ewkt(circle.centre)) if circle else None,
        "radius_m": circle.radius_m if circle else None,
        "margin_m": draft.margin_m,
        "dwell_after": draft.dwell_after,
        "presence": draft.presence.stored(),
    }


def _new_values(
    geofence_id: UUID, draft: GeofenceDraft, organisation_id: UUID, at: datetime
) -> dict[str, object]:
    return {
        "id": geofence_id,
        "organisation_id": organisation_id,
        "imported": False,
        "created_at": at,
        "disabled_at": None if draft.enabled else at,
        **values_of(draft),
    }


def _check(session: Session, draft: GeofenceDraft, grant: Grant) -> None:
    place = get_place_for(session, draft.place_id, grant)
    if _looks_swapped(middle(draft.area), position_at(place.point)):
        raise DraftRefused(
            "It lies far from its place, and with its numbers exchanged it would be there. "
            "Longitude comes first.",
            field="/geometry/coordinates",
        )
    if not 0.0 <= draft.margin_m <= LARGEST_MARGIN_M:
        raise DraftRefused("margin_m must be within 0 and 1,000 metres.", field="/margin_m")
    if not timedelta(0) <= draft.dwell_after <= timedelta(days=1):
        raise DraftRefused("dwell_after must be within 0 and 24 hours.", field="/dwell_after")


def _looks_swapped(drawn: Position, place: Position) -> bool:
    here = max(abs(drawn.lon - place.lon), abs(drawn.lat - place.lat))
    exchanged = max(abs(drawn.lat - place.lon), abs(drawn.lon - place.lat))
    return exchanged <= SWAPPED_WITHIN_DEG < here


def _says(geofence: Geofence, draft: GeofenceDraft, organisation_id: UUID) -> bool:
    """Tell whether the stored geofence is exactly what the draft says."""
    return (
        geofence.organisation_id == organisation_id
        and geofence.deleted_at is None
        and geofence.place_id == draft.place_id
        and geofence.name == draft.name
        and geofence.margin_m == draft.margin_m
        and geofence.dwell_after == draft.dwell_after
        and geofence.presence == draft.presence.stored()
        and (geofence.disabled_at is None) == draft.enabled
        and to_wkb(area_of(geofence)) == to_wkb(draft.area)
        and geofence.radius_m == getattr(draft.area, "radius_m", None)
    )
