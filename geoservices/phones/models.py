"""The credentials of phone apps, and what is remembered of the places they were given."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of


class PhoneApp(StrEnum):
    """Which app speaks; each has a protocol and an address of its own."""

    OWNTRACKS = "owntracks"
    OVERLAND = "overland"
    TRACCAR = "traccar"
    """Traccar Client, and OsmAnd, whose protocol it speaks."""


class PhoneLink(Base):
    """One app's own credential to report for a device; it can do nothing else.

    Only the token's hash is kept. `encrypted` says that the app got a key; the key itself is
    derived from the service's secret and this row's id, and kept nowhere.
    """

    __tablename__ = "phone_links"
    __table_args__ = (CheckConstraint(one_of("app", PhoneApp), name="app_known"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("devices.id", ondelete="CASCADE"), index=True
    )
    app: Mapped[str] = mapped_column(String(20))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    encrypted: Mapped[bool]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class HandedRegions(Base):
    """Marks of the regions that a device's phone was last given, to give none twice.

    The nearest places are nearly a position, so they are not written down: the marks are MACs
    whose key is the phone's token, which this database does not hold. While `cell` is that of
    where the phone is, nothing needs to be looked for. `cell_m` is how wide cells are there, a
    power of two; None where the phone was given all the geofences there are.
    """

    __tablename__ = "handed_regions"

    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True
    )
    mark: Mapped[bytes] = mapped_column(LargeBinary(32))
    cell: Mapped[bytes] = mapped_column(LargeBinary(32))
    cell_m: Mapped[int | None]
