"""Counts of people that were told of once, and are never counted again."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base
from geoservices.register import not_personal


class PlaceHour(Base):
    """About how many people came to a place within an hour; there is no row for a few, or none."""

    __tablename__ = "place_hours"
    __table_args__ = (
        Index("ix_place_hours_organisation", "organisation_id", "day"),
        {"info": not_personal},
    )

    place_id: Mapped[UUID] = mapped_column(
        ForeignKey("places.id", ondelete="CASCADE"), primary_key=True
    )
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id", ondelete="CASCADE")
    )
    day: Mapped[date]
    """By the organisation's clocks."""
    cell: Mapped[str] = mapped_column(String(6))
    people: Mapped[int]


class CellRest(Base):
    """About how many people came on a day to a cell's places in the hours that have no row."""

    __tablename__ = "cell_rests"
    __table_args__ = ({"info": not_personal},)

    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    cell: Mapped[str] = mapped_column(String(6), primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    """A day is counted in two parts where the organisation's time zone was changed meanwhile."""
    people: Mapped[int]


class Occupancy(Base):
    """About how many people are at a place, as of the last quarter of an hour; few have no row."""

    __tablename__ = "occupancies"
    __table_args__ = ({"info": not_personal},)

    place_id: Mapped[UUID] = mapped_column(
        ForeignKey("places.id", ondelete="CASCADE"), primary_key=True
    )
    at: Mapped[datetime]
    people: Mapped[int]
