"""Watched areas and the number that counts their changes."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from geoalchemy2 import Geography, WKBElement
from sqlalchemy import BigInteger, CheckConstraint, FetchedValue, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base
from geoservices.register import not_personal


class Geofence(Base):
    """An area watched for the comings and goings of devices.

    `area` is the authority for polygons. A circle also keeps its centre and radius, since the
    distance to a point is exact where a polygon drawn round it is not. Whoever stands within
    `margin_m` outside the area counts as being there too: the pavement before a building.

    `revision` is the value the global counter had when this row last changed; the database sets
    it (a trigger), so that no writer can forget to.
    """

    __tablename__ = "geofences"
    __table_args__ = (
        CheckConstraint("radius_m BETWEEN 5 AND 50000", name="radius_m_range"),
        CheckConstraint("margin_m BETWEEN 0 AND 1000", name="margin_m_range"),
        CheckConstraint("(centre IS NULL) = (radius_m IS NULL)", name="circle_whole"),
        Index("ix_geofences_area", "area", postgresql_using="gist"),
        # For maps, whose tiles are flat boxes.
        Index("ix_geofences_flat", text("(area::geometry)"), postgresql_using="gist"),
        Index("ix_geofences_revision", "revision"),
        {"info": not_personal},
    )
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    place_id: Mapped[UUID] = mapped_column(ForeignKey("places.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    area: Mapped[WKBElement] = mapped_column(
        Geography("MULTIPOLYGON", srid=4326, spatial_index=False)
    )
    centre: Mapped[WKBElement | None] = mapped_column(
        Geography("POINT", srid=4326, spatial_index=False)
    )
    radius_m: Mapped[float | None]
    margin_m: Mapped[float] = mapped_column(default=0.0)
    dwell_after: Mapped[timedelta] = mapped_column(default=timedelta(minutes=5))
    presence: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    """Rules of presence of its own (`overrides`), laid over its organisation's."""
    revision: Mapped[int] = mapped_column(
        BigInteger, server_default="0", server_onupdate=FetchedValue()
    )
    imported: Mapped[bool] = mapped_column(default=False)
    """Drawn from the place's imported outline, so that the next import may redraw it."""
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class GeofenceRevision(Base):
    """The one row that counts changes to geofences; see docs/decisions/0012."""

    __tablename__ = "geofence_revision"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), {"info": not_personal})

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(BigInteger)
