"""Public places."""

from datetime import datetime
from uuid import UUID, uuid4

from geoalchemy2 import Geography, WKBElement
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base, one_of
from geoservices.places.sensitivity import SensitiveKind
from geoservices.register import Basis, Kept, about, not_personal, personal


class Place(Base):
    """Somewhere with a name: a library, a town hall.

    `(organisation, source, external_id)` is what an import knows it by. `opening_hours` is OSM
    syntax, read in `time_zone`. By `tags`, the organisation's own words, managers are limited to
    some of its places (`access.reach`). `sensitive_kind` marks a place where nobody's being is
    kept, and that causes no push by itself, from `sensitive_from` until `sensitive_until`.
    `parent_id` is the place of the same organisation that it is part of.
    """

    __tablename__ = "places"
    __table_args__ = (
        UniqueConstraint("organisation_id", "source", "external_id"),
        CheckConstraint(one_of("sensitive_kind", SensitiveKind), name="sensitive_kind_known"),
        CheckConstraint(
            "sensitive_at IS NULL OR sensitive_kind IS NOT NULL", name="sensitive_for_a_reason"
        ),
        CheckConstraint("sensitive_until > sensitive_from", name="sensitive_ends_after_start"),
        CheckConstraint("parent_id <> id", name="part_of_another"),
        Index("ix_places_sensitive", "id", postgresql_where="sensitive_kind IS NOT NULL"),
        Index("ix_places_name", "name", "id"),
        Index("ix_places_point", "point", postgresql_using="gist"),
        # For maps, whose tiles are flat boxes.
        Index("ix_places_flat", text("(point::geometry)"), postgresql_using="gist"),
        Index(
            "ix_places_words",
            "words",
            postgresql_using="gin",
            postgresql_ops={"words": "gin_trgm_ops"},
        ),
        Index("ix_places_tags", "tags", postgresql_using="gin"),
        {"info": not_personal},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    source: Mapped[str] = mapped_column(String(60))
    external_id: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    category: Mapped[str] = mapped_column(String(60), index=True)
    address: Mapped[str | None] = mapped_column(Text)
    postcode: Mapped[str | None] = mapped_column(String(12))
    website: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(
        Text,
        info=personal(
            "the place's published address, which may name somebody",
            purpose="let people reach a public place",
            basis=Basis.PUBLIC_TASK,
            kept=Kept(words="until an import changes it"),
        ),
    )
    point: Mapped[WKBElement] = mapped_column(Geography("POINT", srid=4326, spatial_index=False))
    opening_hours: Mapped[str | None] = mapped_column(Text)
    time_zone: Mapped[str] = mapped_column(String(60))
    parent_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("places.id", ondelete="SET NULL"), index=True
    )
    words: Mapped[str] = mapped_column(Text)
    """Name, address and postcode in lower case: what a text search looks through."""
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    digest: Mapped[bytes]
    """SHA-256 of the record it was imported from; an import skips what has not changed."""
    sensitive_at: Mapped[datetime | None]
    """Since when the mark holds; None while it does not."""
    sensitive_kind: Mapped[str | None] = mapped_column(String(20))
    sensitive_from: Mapped[datetime | None]
    sensitive_until: Mapped[datetime | None]
    sensitivity_by_hand: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether somebody decided on the mark, so that no import does."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PlaceRevision(Base):
    """The one row that counts changes of what maps show of places.

    The database raises it (a trigger) once for each transaction, the last of which is named.
    """

    __tablename__ = "place_revision"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), {"info": not_personal})

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(BigInteger)
    raised_by: Mapped[str] = mapped_column(String(20))


class PlaceShare(Base):
    """That an organisation lets a partner run things of its own at a place of its.

    With `statistics` the partner also sees how many come. It holds until `ended_at`.
    """

    __tablename__ = "place_shares"
    __table_args__ = (
        CheckConstraint("partner_id <> organisation_id", name="with_another"),
        Index(
            "uq_place_shares_in_force",
            "place_id",
            "partner_id",
            unique=True,
            postgresql_where="ended_at IS NULL",
        ),
        {
            "info": about(
                purpose="know with whom a place is shared, and who said so", basis=Basis.PUBLIC_TASK
            )
        },
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4, info=not_personal)
    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id"), index=True, info=not_personal
    )
    place_id: Mapped[UUID] = mapped_column(
        ForeignKey("places.id", ondelete="CASCADE"), info=not_personal
    )
    partner_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id"), index=True, info=not_personal
    )
    statistics: Mapped[bool] = mapped_column(info=not_personal)
    shared_at: Mapped[datetime] = mapped_column(info=not_personal)
    shared_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"), info=personal("which member shared it")
    )
    ended_at: Mapped[datetime | None] = mapped_column(info=not_personal)
