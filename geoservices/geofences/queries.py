"""What is asked of geofences."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from geoalchemy2 import Geometry
from sqlalchemy import ColumnElement, Float, Row, case, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.geofences.models import Geofence, GeofenceRevision
from geoservices.geofences.overrides import merge
from geoservices.geofences.watched import Changes, keys_of_bytes
from geoservices.geometry.boxes import Bbox, centre_and_reach, halves
from geoservices.geometry.storage import SRID
from geoservices.places.queries import WHOLE_ROWS, point_at
from geoservices.trips import ask

REDRAWN = (
    "name",
    "area",
    "centre",
    "radius_m",
    "margin_m",
    "dwell_after",
)
"""What an import may change in a geofence it drew."""
FETCHED = 10_000
"""So many rows are held at once while geofences are read."""


def revision(session: Session) -> int:
    """Return how many times geofences have changed, as far as this transaction sees."""
    return ask_revision(session)()


def ask_revision(session: Session) -> Callable[[], int]:
    """Ask for the revision, and return what tells it."""
    found = ask(session, b"SELECT revision FROM geofence_revision", make=sum)
    return lambda: found()[0]


def changed_since(session: Session, known: int) -> Iterator[Changes]:
    """Yield what geofences have changed after a revision, some thousands at a time.

    All are as they are when the first is asked for.
    """
    flat = cast(Geofence.centre, Geometry)
    # Asked of the connection, since the session would look through every row for its objects.
    rows = session.connection().execute(
        select(
            func.uuid_send(Geofence.id),
            func.uuid_send(Geofence.place_id),
            func.uuid_send(Geofence.organisation_id),
            cast(func.extract("epoch", Geofence.dwell_after), Float),
            Geofence.margin_m,
            case((Geofence.centre.is_(None), func.ST_AsBinary(Geofence.area))),
            func.ST_X(flat),
            func.ST_Y(flat),
            Geofence.radius_m,
            Geofence.disabled_at.is_(None) & Geofence.deleted_at.is_(None),
            # Hardly any has rules of its own, and reading JSON takes its time.
            case(
                (
                    or_(Organisation.presence != {}, Geofence.presence != {}),
                    func.jsonb_build_array(Organisation.presence, Geofence.presence),
                )
            ),
        )
        .join(Organisation, Organisation.id == Geofence.organisation_id)
        .where(Geofence.revision > known),
        execution_options={"yield_per": FETCHED},
    )
    for some in rows.partitions():
        yield _changes(some)


def lock_revision(session: Session) -> None:
    """Wait for other writers of geofences, before any of their rows is locked.

    The trigger locks the counter too, but only after the row; two writers who took the two in
    different orders would wait for each other.
    """
    session.execute(select(GeofenceRevision.revision).with_for_update())


def insert_if_new(session: Session, values: Mapping[str, object]) -> None:
    """Store a geofence, unless one got its id meanwhile."""
    session.execute(insert(Geofence).values(**values).on_conflict_do_nothing())


def own_presence(session: Session, organisation_id: UUID) -> Sequence[Mapping[str, Any]]:
    """Return the rules of presence that an organisation's geofences have of their own, once each.

    Those of deleted geofences are left out.
    """
    return session.scalars(
        select(Geofence.presence)
        .where(
            Geofence.organisation_id == organisation_id,
            Geofence.deleted_at.is_(None),
            Geofence.presence != {},
        )
        .distinct()
    ).all()


def count_changed(session: Session, organisation_id: UUID) -> None:
    """Let every watched geofence of an organisation count as changed."""
    session.execute(
        update(Geofence)
        .where(
            Geofence.organisation_id == organisation_id,
            Geofence.disabled_at.is_(None),
            Geofence.deleted_at.is_(None),
        )
        .values(presence=Geofence.presence)
        .execution_options(synchronize_session=False)
    )


def by_id(session: Session, geofence_id: UUID) -> Geofence | None:
    """Return a geofence as the database has it now, deleted or not, whoever it belongs to."""
    return session.get(Geofence, geofence_id, populate_existing=True)


def owned(
    session: Session, geofence_id: UUID, organisation_id: UUID, *, lock: bool = False
) -> Geofence | None:
    """Return an organisation's geofence, deleted or not, and hold its row if asked to."""
    wanted = (
        select(Geofence)
        .where(Geofence.id == geofence_id, Geofence.organisation_id == organisation_id)
        .execution_options(populate_existing=True)
    )
    if lock:
        wanted = wanted.with_for_update()
    return session.scalars(wanted).one_or_none()


def page(
    session: Session,
    organisation_id: UUID,
    *,
    place_id: UUID | None,
    bbox: Bbox | None,
    after: UUID | None,
    limit: int,
) -> list[Geofence]:
    """Return an organisation's geofences that are not deleted, in the order of their ids."""
    wanted = select(Geofence).where(
        Geofence.organisation_id == organisation_id, Geofence.deleted_at.is_(None)
    )
    if place_id is not None:
        wanted = wanted.where(Geofence.place_id == place_id)
    if bbox is not None:
        wanted = wanted.where(*_meets(bbox))
    if after is not None:
        wanted = wanted.where(Geofence.id > after)
    return list(session.scalars(wanted.order_by(Geofence.id).limit(limit)))


def of_places(session: Session, place_ids: Sequence[UUID]) -> dict[UUID, list[Geofence]]:
    """Return every geofence of these places, deleted ones too, by place; hold their rows."""
    found: dict[UUID, list[Geofence]] = {}
    rows = session.scalars(
        select(Geofence)
        .where(Geofence.place_id.in_(place_ids))
        .order_by(Geofence.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for geofence in rows:
        found.setdefault(geofence.place_id, []).append(geofence)
    return found


def store_drawn(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert or redraw imported geofences, in one statement for up to some thousand rows."""
    # Only what returns something is sent as one statement instead of one for each row.
    statement = insert(Geofence)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[Geofence.id],
            set_={column: statement.excluded[column] for column in REDRAWN},
        ).returning(Geofence.id),
        rows,
        execution_options=WHOLE_ROWS,
    )


def _meets(bbox: Bbox) -> list[ColumnElement[bool]]:
    """Return the conditions that an area meets a box: one for the index, one that is exact."""
    centre, reach_m = centre_and_reach(bbox)
    flat = cast(Geofence.area, Geometry)
    boxes = [func.ST_Intersects(flat, func.ST_MakeEnvelope(*half, SRID)) for half in halves(bbox)]
    return [func.ST_DWithin(Geofence.area, point_at(centre), reach_m), or_(*boxes)]


def _changes(rows: Sequence[Row[*tuple[Any, ...]]]) -> Changes:
    columns = list(zip(*rows, strict=True))
    ids, places, organisations, dwell_s, margin_m = columns[:5]
    areas, lon, lat, radius_m, watched, presence = columns[5:]
    kept = np.array(watched)
    return Changes(
        ids=keys_of_bytes(ids),
        watched=kept,
        places=keys_of_bytes(places)[kept],
        organisations=keys_of_bytes(organisations)[kept],
        dwell_after_s=np.array(dwell_s)[kept],
        margin_m=np.array(margin_m)[kept],
        areas=shapely.from_wkb(np.array(areas, dtype=object)[kept]),
        centres=np.array([lon, lat], dtype=float).T[kept],
        radius_m=np.array(radius_m, dtype=float)[kept],
        overrides=[
            () if own is None else merge(*own)
            for own, is_kept in zip(presence, watched, strict=True)
            if is_kept
        ],
    )
