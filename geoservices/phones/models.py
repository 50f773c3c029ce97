"""The credentials of phone apps, and what is remembered of the places they were given."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of
from geoservices.register import Basis, Kept, about, personal


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
    __table_args__ = (
        CheckConstraint(one_of("app", PhoneApp), name="app_known"),
        {
            "info": about(
                purpose="let a phone app report for a device",
                basis=Basis.CONSENT,
                kept=Kept(setting="retention.phone_links", words="after it was revoked"),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the link's number")
    )
    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("devices.id", ondelete="CASCADE"), index=True, info=personal("for which device")
    )
    app: Mapped[str] = mapped_column(String(20), info=personal("which app"))
    token_hash: Mapped[bytes] = mapped_column(
        LargeBinary(32), unique=True, info=personal("the hash of its token")
    )
    encrypted: Mapped[bool] = mapped_column(info=personal("whether it encrypts"))
    created_at: Mapped[datetime] = mapped_column(info=personal("since when"))
    revoked_at: Mapped[datetime | None] = mapped_column(info=personal("when it was ended"))


class HandedRegions(Base):
    """Marks of the regions that a device's phone was last given, to give none twice.

    The nearest places are nearly a position, so they are not written down: the marks are MACs
    whose key is the phone's token, which this database does not hold. While `cell` is that of
    where the phone is, nothing needs to be looked for. `cell_m` is how wide cells are there, a
    power of two; None where the phone was given all the geofences there are.
    """

    __tablename__ = "handed_regions"
    __table_args__ = (
        {
            "info": about(
                purpose="give a phone the places it watches by itself only when they change",
                basis=Basis.CONSENT,
            )
        },
    )

    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("devices.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal("which device"),
    )
    mark: Mapped[bytes] = mapped_column(
        LargeBinary(32), info=personal("a keyed hash of the places it was given")
    )
    cell: Mapped[bytes] = mapped_column(
        LargeBinary(32), info=personal("a keyed hash of the area it is in")
    )
    cell_m: Mapped[int | None] = mapped_column(info=personal("how wide that area is"))
