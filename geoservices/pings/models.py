"""Stored pings."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import REAL, CheckConstraint, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base
from geoservices.register import Basis, Kept, about, personal


class Ping(Base):
    """One report of where a device was.

    Partitioned by when it arrived, so that old positions go by dropping a partition. There is no
    foreign key and no unique key: the first would cost a look-up for each row, the second would
    hold within one partition only. Instead whoever stores pings holds the device's row and tells
    a repeated ping from a new one by up to when the device was followed
    (docs/decisions/0023). The index starts with the device, so that its rows sit together.
    Longitude and latitude are plain numbers: no query searches pings by place.
    """

    __tablename__ = "pings"
    __table_args__ = (
        CheckConstraint("lon BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90", name="on_earth"),
        Index("ix_pings_device_recorded", "device_id", "recorded_at"),
        {
            "postgresql_partition_by": "RANGE (received_at)",
            "info": about(
                purpose="see whether a device has come to a watched place or left it",
                basis=Basis.CONSENT,
                kept=Kept(
                    setting="intake.ping_retention",
                    words="after it arrived, or until its consent is withdrawn",
                ),
            ),
        },
    )

    # A key for whoever reads rows as objects; the table itself has none.
    __mapper_args__ = {"primary_key": ["device_id", "recorded_at", "id"]}  # noqa: RUF012

    device_id: Mapped[UUID] = mapped_column(info=personal("which device"))
    recorded_at: Mapped[datetime] = mapped_column(info=personal("when it was there", special=True))
    id: Mapped[UUID] = mapped_column(info=personal("the ping's number"))
    received_at: Mapped[datetime] = mapped_column(info=personal("when it arrived"))
    lon: Mapped[float] = mapped_column(info=personal("where", special=True))
    lat: Mapped[float] = mapped_column(info=personal("where", special=True))
    accuracy_m: Mapped[float | None] = mapped_column(
        REAL, info=personal("how good the position is", special=True)
    )
    speed_mps: Mapped[float | None] = mapped_column(
        REAL, info=personal("how fast it moved", special=True)
    )
    heading_deg: Mapped[float | None] = mapped_column(
        REAL, info=personal("in which direction", special=True)
    )
    signs: Mapped[int] = mapped_column(
        SmallInteger, info=personal("what is odd about the position")
    )
    """What speaks against it, as bits (`plausibility.Sign`)."""
