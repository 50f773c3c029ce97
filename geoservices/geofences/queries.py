"""What is asked of geofences."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID

import numpy as np
from geoalchemy2 import Geometry
from sqlalchemy import ColumnElement, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.database import driver
from geoservices.geofences.models import Geofence, GeofenceRevision
from geoservices.geofences.overrides import merge
from geoservices.geofences.watched import Changes
from geoservices.geometry.boxes import Bbox, centre_and_reach, halves
from geoservices.geometry.storage import SRID
from geoservices.places.access_queries import reached
from geoservices.places.queries import WHOLE_ROWS, point_at
from geoservices.scopes import everywhere
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
CHANGED_SINCE = """
SELECT
  record_send(ROW(
    g.id, g.place_id, g.organisation_id, date_part('epoch', g.dwell_after), g.margin_m,
    coalesce(g.radius_m, 'NaN'),
    coalesce(ST_X(g.centre::geometry), 'NaN'), coalesce(ST_Y(g.centre::geometry), 'NaN'),
    g.disabled_at IS NULL AND g.deleted_at IS NULL AND p.sensitive_at IS NULL
  )),
  CASE WHEN g.centre IS NULL AND g.disabled_at IS NULL AND g.deleted_at IS NULL
      AND p.sensitive_at IS NULL
    THEN ST_AsBinary(g.area, 'NDR') END,
  -- Hardly any has rules of its own, and reading JSON takes its time.
  CASE WHEN o.presence <> '{}' OR g.presence <> '{}'
    THEN jsonb_build_array(o.presence, g.presence) END
FROM geofences AS g JOIN organisations AS o ON o.id = g.organisation_id
JOIN places AS p ON p.id = g.place_id
WHERE g.revision > %s
"""
HEAD_COLUMNS = (
    ("id", "2u8"),
    ("place_id", "2u8"),
    ("organisation_id", "2u8"),
    ("dwell_after_s", ">f8"),
    ("margin_m", ">f8"),
    ("radius_m", ">f8"),
    ("lon", ">f8"),
    ("lat", ">f8"),
    ("watched", "?"),
)
"""What a geofence has beside its area, none of it null: NaN is in the place of a null."""
HEAD = np.dtype(
    [
        ("columns", ">i4"),
        *(
            field
            for name, kind in HEAD_COLUMNS
            for field in ((f"type_and_length_of_{name}", "V8"), (name, kind))
        ),
    ]
)
"""The same as `record_send` writes it: how many columns, and before each its type and length."""


def revision(session: Session) -> int:
    """Return how many times geofences have changed, as far as this transaction sees."""
    return ask_revision(session)()


def ask_revision(session: Session) -> Callable[[], int]:
    """Ask for the revision, and return what tells it."""
    statement = b"SELECT revision FROM geofence_revision"
    found: Callable[[], list[int]] = ask(session, statement, make=itemgetter(0))
    return lambda: found()[0]


def changed_since(session: Session, known: int) -> Iterator[Changes]:
    """Yield what geofences have changed after a revision, some thousands at a time.

    All are as they are when the first is asked for.
    """
    # Not through SQLAlchemy, which would make an object of each value.
    with driver(session).cursor(name="changed_geofences", binary=True) as cursor:
        cursor.execute(CHANGED_SINCE, [known])
        while rows := cursor.fetchmany(FETCHED):
            yield _changes(rows)


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


def count_changed_at(session: Session, place_ids: Collection[UUID]) -> None:
    """Let every watched geofence of places count as changed."""
    if place_ids:
        session.execute(
            update(Geofence)
            .where(
                Geofence.place_id.in_(place_ids),
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
    session: Session, geofence_id: UUID, grant: Grant, *, lock: bool = False
) -> Geofence | None:
    """Return a geofence of one's own within reach, deleted or not; hold its row if asked to."""
    wanted = (
        select(Geofence)
        .where(
            Geofence.id == geofence_id,
            Geofence.organisation_id == grant.organisation_id,
            reached(Geofence.place_id, grant),
        )
        .execution_options(populate_existing=True)
    )
    if lock:
        wanted = wanted.with_for_update()
    return session.scalars(wanted).one_or_none()


def page(
    session: Session,
    grant: Grant,
    *,
    place_id: UUID | None,
    bbox: Bbox | None,
    after: UUID | None,
    limit: int,
) -> list[Geofence]:
    """Return the geofences within reach that are not deleted, in the order of their ids."""
    wanted = select(Geofence).where(
        Geofence.organisation_id == grant.organisation_id,
        Geofence.deleted_at.is_(None),
        reached(Geofence.place_id, grant),
    )
    if place_id is not None:
        wanted = wanted.where(Geofence.place_id == place_id)
    if bbox is not None:
        wanted = wanted.where(*_meets(bbox))
    if after is not None:
        wanted = wanted.where(Geofence.id > after)
    wanted = wanted.order_by(Geofence.id).limit(limit)
    if bbox is not None:
        # Beneath policies PostgreSQL reads no spatial index. Rows are read as the caller may.
        with everywhere(session):
            ids = session.scalars(wanted.with_only_columns(Geofence.id)).all()
        wanted = select(Geofence).where(Geofence.id.in_(ids)).order_by(Geofence.id)
    return list(session.scalars(wanted))


def watched_at(session: Session, place_id: UUID) -> Sequence[Geofence]:
    """Return the geofences of a place that are neither off nor deleted."""
    return session.scalars(
        select(Geofence)
        .where(
            Geofence.place_id == place_id,
            Geofence.disabled_at.is_(None),
            Geofence.deleted_at.is_(None),
        )
        .order_by(Geofence.id)
    ).all()


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


def _changes(rows: Sequence[tuple[bytes, bytes | None, Any]]) -> Changes:
    # One column after the other; `zip(*rows)` would take longer than all the rest.
    read = np.frombuffer(b"".join([head for head, _area, _own in rows]), dtype=HEAD)
    watched = read["watched"].copy()
    kept = read[watched]
    return Changes(
        ids=read["id"].copy(),
        watched=watched,
        places=kept["place_id"].copy(),
        organisations=kept["organisation_id"].copy(),
        dwell_after_s=kept["dwell_after_s"].astype(float),
        margin_m=kept["margin_m"].astype(float),
        areas=[area for _head, area, _own in rows if area is not None],
        centres=np.stack([kept["lon"], kept["lat"]], axis=1).astype(float),
        radius_m=kept["radius_m"].astype(float),
        overrides=[
            () if own is None else merge(*own)
            for (_head, _area, own), is_kept in zip(rows, watched.tolist(), strict=True)
            if is_kept
        ],
    )
