"""Places and their outlines from a source, kept and drawn as geofences."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.geofences import queries
from geoservices.geofences.models import Geofence
from geoservices.geofences.service import GeofenceDraft, values_of
from geoservices.geometry.areas import Circle
from geoservices.places.service import Effect, PlaceRecord, Upserted, upsert_places


def import_places(
    session: Session,
    organisation_id: UUID,
    source: str,
    records: Sequence[PlaceRecord],
    *,
    margin_m: float,
    radius_m: float,
    dwell_after: timedelta,
    at: datetime,
) -> list[Upserted]:
    """Keep records as places and draw the geofence of each that is new or has changed.

    A handful of statements does for any number of records up to some thousand. A geofence that
    a manager has redrawn, disabled or deleted is left as it is; a place that has only such
    geofences gets no other.

    Args:
        session: The transaction to write in.
        organisation_id: Whose places they are.
        source: The name of the source; with an external id it makes a place known again.
        records: No two with the same external id.
        margin_m: How far outside the outline counts as being there, 0 to 1,000 metres.
        radius_m: The circle drawn round a place of which only a point is known.
        dwell_after: After what time a stay counts as dwelling.
        at: The present.

    Returns:
        One result for each record, in the same order.
    """
    drawn = [
        record if record.area else replace(record, area=Circle(record.point, radius_m))
        for record in records
    ]
    upserted = upsert_places(
        session,
        organisation_id,
        source,
        drawn,
        drawn=f"{margin_m}/{dwell_after.total_seconds()}",
        at=at,
    )
    changed = {
        result.place_id: record
        for result, record in zip(upserted, drawn, strict=True)
        if result.effect is not Effect.UNCHANGED
    }
    drafts = [
        GeofenceDraft(
            place_id=place_id,
            name=record.name,
            area=record.area,
            margin_m=margin_m,
            dwell_after=dwell_after,
        )
        for place_id, record in changed.items()
        if record.area
    ]
    _draw(session, organisation_id, drafts, at)
    # Geofences that the import leaves alone are watched no more either.
    queries.count_changed_at(
        session, [place_id for place_id, record in changed.items() if record.sensitive]
    )
    return upserted


def _draw(
    session: Session, organisation_id: UUID, drafts: Sequence[GeofenceDraft], at: datetime
) -> None:
    if not drafts:
        return
    queries.lock_revision(session)
    existing = queries.of_places(session, [draft.place_id for draft in drafts])
    rows: list[Mapping[str, object]] = []
    for draft in drafts:
        there = existing.get(draft.place_id, [])
        untouched = [geofence.id for geofence in there if _is_untouched(geofence)]
        if there and not untouched:
            continue
        rows.append(
            {
                "id": untouched[0] if untouched else uuid4(),
                "organisation_id": organisation_id,
                "imported": True,
                "created_at": at,
                **values_of(draft),
            }
        )
    if rows:
        queries.store_drawn(session, rows)


def _is_untouched(geofence: Geofence) -> bool:
    return geofence.imported and geofence.disabled_at is None and geofence.deleted_at is None
