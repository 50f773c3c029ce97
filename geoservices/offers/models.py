"""Offers, and what came of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.util import immutabledict
from typing_extensions import override

from geoservices.calendars.recurrence import Span
from geoservices.database import Base, one_of
from geoservices.listings.models import Listing, ListingKind
from geoservices.offers.rules import Redeeming, Renewal
from geoservices.offers.windows import MOST_WINDOWS, Schedule, first_on, on_within
from geoservices.places.models import Place
from geoservices.register import Basis, Kept, about, not_personal, personal


class Offer(Listing):
    """Something to redeem at a place.

    It is on in its windows (`geoservices.offers.windows`). There are `stock` pieces of it, or no
    end of them; one person may have `per_person`, or as many as they like, and begins anew as
    `per_person_renews` says. `redeemed_count` is how many were redeemed ever, whoever it was.
    """

    __tablename__ = "offers"
    __table_args__: Any = (
        CheckConstraint(one_of("redeemed_by", Redeeming), name="redeeming_known"),
        CheckConstraint(one_of("per_person_renews", Renewal), name="renewal_known"),
        CheckConstraint("stock > 0", name="stock_positive"),
        CheckConstraint("per_person > 0", name="per_person_positive"),
        CheckConstraint("redeemed_count >= 0", name="redeemed_count_not_negative"),
        CheckConstraint("window_length > interval '0'", name="window_length_positive"),
        CheckConstraint(
            "(window_starts_at IS NULL) = (window_length IS NULL) "
            "AND (window_rule IS NULL OR window_starts_at IS NOT NULL)",
            name="windows_whole",
        ),
        {"info": not_personal},
    )
    __mapper_args__ = immutabledict(
        {
            "polymorphic_identity": ListingKind.OFFER,
            "polymorphic_load": "inline",
        }
    )

    id: Mapped[UUID] = mapped_column(
        ForeignKey("listings.id", ondelete="CASCADE"), primary_key=True
    )
    terms: Mapped[str] = mapped_column(Text, default="", server_default="")
    window_starts_at: Mapped[datetime | None]
    window_length: Mapped[timedelta | None]
    window_rule: Mapped[str | None] = mapped_column(String(500))
    only_when_open: Mapped[bool] = mapped_column(default=False, server_default="false")
    stock: Mapped[int | None]
    per_person: Mapped[int | None] = mapped_column(server_default="1")
    per_person_renews: Mapped[str] = mapped_column(
        String(20), default=Renewal.NEVER, server_default=Renewal.NEVER
    )
    redeemed_by: Mapped[str] = mapped_column(
        String(20), default=Redeeming.SCAN, server_default=Redeeming.SCAN
    )
    redeemed_count: Mapped[int] = mapped_column(default=0, server_default="0")

    def schedule_at(self, place: Place) -> Schedule:
        """Return what says when it is on, at its place."""
        return Schedule(
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            window_starts_at=self.window_starts_at,
            window_length=self.window_length,
            window_rule=self.window_rule,
            only_when_open=self.only_when_open,
            opening_hours=place.opening_hours,
            time_zone=place.time_zone,
        )

    @property
    @override
    def begins_at(self) -> datetime:
        return max(self.starts_at, self.window_starts_at or self.starts_at)

    @override
    def why_not(self, place: Place, *, at: datetime) -> str | None:
        held = super().why_not(place, at=at) or self.why_over(at)
        if held is not None:
            return held
        on = first_on(self.schedule_at(place), since=at)
        if on is None or on.starts_at > at:
            return "The offer is outside its hours at the moment."
        return None

    @override
    def why_over(self, at: datetime) -> str | None:
        if self.stock is not None and self.redeemed_count >= self.stock:
            return "All there was of the offer has been redeemed."
        return super().why_over(at)

    @override
    def times_on(self, place: Place, *, since: datetime, until: datetime) -> Sequence[Span]:
        schedule = self.schedule_at(place)
        return on_within(schedule, since=since, until=until, limit=MOST_WINDOWS)

    @override
    def same_until(self, place: Place, *, at: datetime) -> datetime:
        until = super().same_until(place, at=at)
        on = first_on(self.schedule_at(place), since=at)
        if on is None:
            return until
        return min(until, on.starts_at if on.starts_at > at else on.ends_at)


class Redemption(Base):
    """That somebody had something of an offer, or has a code with which they may.

    With a code it waits until `redeemed_at`, and its piece is kept for them until `expires_at`.
    One person has at most one that waits for each offer. `code_mark` finds it by its code
    (`geoservices.offers.codes`); it has none where somebody redeemed it themselves. `scan_id` is
    the scanner's own number, so that sending again is safe.
    """

    __tablename__ = "redemptions"
    __table_args__: Any = (
        CheckConstraint("(code_mark IS NULL) = (expires_at IS NULL)", name="codes_expire"),
        CheckConstraint("num_nonnulls(code_mark, redeemed_at) > 0", name="waits_with_a_code"),
        CheckConstraint("scan_id IS NULL OR redeemed_at IS NOT NULL", name="scanned_is_redeemed"),
        Index("uq_redemptions_code_mark", "code_mark", unique=True),
        Index("uq_redemptions_scan", "scan_id", unique=True),
        Index(
            "uq_redemptions_waiting",
            "offer_id",
            "person_id",
            unique=True,
            postgresql_where="redeemed_at IS NULL",
        ),
        Index("ix_redemptions_person", "person_id", "made_at", "id"),
        Index("ix_redemptions_made", "made_at"),
        {
            "info": about(
                purpose="give each no more of an offer than its terms allow",
                basis=Basis.CONSENT,
                kept=Kept(
                    setting="retention.redemptions",
                    words="after it was redeemed, and on while it counts towards a limit of an "
                    "offer that goes on, or until its consent is withdrawn",
                ),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the redemption's number")
    )
    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id"), info=personal("whose offer it is", special=True)
    )
    offer_id: Mapped[UUID] = mapped_column(
        ForeignKey("offers.id", ondelete="CASCADE"),
        index=True,
        info=personal("which offer", special=True),
    )
    place_id: Mapped[UUID] = mapped_column(
        ForeignKey("places.id", ondelete="CASCADE"),
        index=True,
        info=personal("where", special=True),
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), info=personal("who")
    )
    code_mark: Mapped[bytes | None] = mapped_column(
        LargeBinary(32), info=personal("a keyed hash of the code")
    )
    made_at: Mapped[datetime] = mapped_column(info=personal("when it was asked for", special=True))
    expires_at: Mapped[datetime | None] = mapped_column(info=personal("until when the code counts"))
    redeemed_at: Mapped[datetime | None] = mapped_column(
        info=personal("when it was redeemed", special=True)
    )
    scanned_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("people.id", ondelete="SET NULL"),
        index=True,
        info=personal("which member of staff scanned"),
    )
    scan_id: Mapped[UUID | None] = mapped_column(info=personal("the scanner's own number"))
