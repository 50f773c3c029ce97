"""Stored pings, and up to when each device has been followed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base


class Ping(Base):
    """One report of where a device was.

    The key starts with the device so that one device's rows sit together, and holds the time so
    that the table can be partitioned by it. Longitude and latitude are plain numbers: no query
    searches pings by place, and a spatial index would cost a fifth of the intake.
    """

    __tablename__ = "pings"
    __table_args__ = (
        PrimaryKeyConstraint("device_id", "recorded_at", "id"),
        CheckConstraint("lon BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90", name="on_earth"),
        Index("ix_pings_received_at", "received_at", postgresql_using="brin"),
    )

    device_id: Mapped[UUID] = mapped_column(ForeignKey("devices.id", ondelete="CASCADE"))
    recorded_at: Mapped[datetime]
    id: Mapped[UUID]
    received_at: Mapped[datetime]
    lon: Mapped[float]
    lat: Mapped[float]
    accuracy_m: Mapped[float | None]
    speed_mps: Mapped[float | None]
    heading_deg: Mapped[float | None]


class LastSeen(Base):
    """Up to when a device has been followed; it holds no position and outlives them."""

    __tablename__ = "last_seen"

    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True
    )
    recorded_at: Mapped[datetime]
