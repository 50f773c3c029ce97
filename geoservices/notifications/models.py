"""What people are told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.campaigns.rules import CampaignClass
from geoservices.database import Base, one_of
from geoservices.register import Basis, Kept, about, personal


class NotificationKind(StrEnum):
    """What a notification comes from."""

    CAMPAIGN = "campaign"
    TEST = "test"
    """Its person asked for it, to see whether pushes arrive."""
    DEVICE_JOINED = "device-joined"
    """Another device became the person's, who shall know it."""
    LISTING = "listing"
    """Word of a listing to somebody who has to do with it, such as a reminder of an event."""
    BUNDLE = "bundle"
    """One push that stands for several others; it is in no inbox."""


@dataclass(slots=True, kw_only=True)
class NewNotification:
    """A notification as it was just made, to be stored as a `Notification`."""

    id: UUID
    kind: NotificationKind
    person_id: UUID
    campaign_class: str
    title: str
    body: str
    created_at: datetime
    expires_at: datetime
    organisation_id: UUID | None = None
    decision_id: UUID | None = None
    listing_id: UUID | None = None
    bundle_id: UUID | None = None


class Notification(Base):
    """One message to one person, whatever the number of their browsers.

    Those of campaigns come from an organisation, with a decision and, if they speak of one, a
    listing; word of a listing has no decision, and all others have none of the three.
    What is pushed together with others has a `bundle_id`: that of the notification that is pushed,
    which is of the kind `bundle`, has no words of its own and is never in the inbox.
    It is in the inbox since `surfaced_at`, unless archived: since it was made, or since what it
    was snoozed until, which may lie ahead. `folders` says when it counts as read.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint(one_of("campaign_class", CampaignClass), name="class_known"),
        CheckConstraint(one_of("kind", NotificationKind), name="kind_known"),
        CheckConstraint(
            "(organisation_id IS NOT NULL) = (kind IN ('campaign', 'listing'))",
            name="organisations_tell",
        ),
        CheckConstraint(
            "CASE kind WHEN 'campaign' THEN true WHEN 'listing' THEN listing_id IS NOT NULL "
            "ELSE listing_id IS NULL END",
            name="about_a_listing_or_nothing",
        ),
        CheckConstraint(
            "(decision_id IS NOT NULL) = (kind = 'campaign')", name="campaigns_have_their_reasons"
        ),
        CheckConstraint("bundle_id IS NULL OR kind <> 'bundle'", name="no_bundle_in_another"),
        Index("ix_notifications_person", "person_id", "surfaced_at", "id"),
        Index(
            "ix_notifications_inbox",
            "person_id",
            "surfaced_at",
            "id",
            postgresql_where="archived_at IS NULL",
        ),
        Index(
            "ix_notifications_archive",
            "person_id",
            "surfaced_at",
            "id",
            postgresql_where="archived_at IS NOT NULL",
        ),
        Index(
            "ix_notifications_unread",
            "person_id",
            "surfaced_at",
            postgresql_where="archived_at IS NULL AND (read_at IS NULL OR read_at < snoozed_until)",
        ),
        Index("ix_notifications_surfaced", "surfaced_at"),
        Index("ix_notifications_bundle", "bundle_id", postgresql_where="bundle_id IS NOT NULL"),
        Index("ix_notifications_organisation", "organisation_id", "created_at", "id"),
        {
            "info": about(
                purpose="tell people what they agreed to be told, and keep it where they find it",
                basis=Basis.CONSENT,
                kept=Kept(
                    setting="retention.notifications",
                    words="after it was made, or until its consent is withdrawn",
                ),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the notification's number")
    )
    kind: Mapped[str] = mapped_column(
        String(20),
        default=NotificationKind.CAMPAIGN,
        server_default=NotificationKind.CAMPAIGN.value,
        info=personal("what it comes from"),
    )
    organisation_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("organisations.id"), info=personal("who tells")
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), info=personal("whom")
    )
    decision_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("decisions.id", ondelete="CASCADE"),
        unique=True,
        info=personal("because of which decision"),
    )
    listing_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("listings.id"), index=True, info=personal("about what", special=True)
    )
    bundle_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("notifications.id", ondelete="SET NULL"),
        info=personal("with which others it was pushed"),
    )
    campaign_class: Mapped[str] = mapped_column(String(20), info=personal("how urgent it is"))
    title: Mapped[str] = mapped_column(
        String(120), info=personal("what they were told", special=True)
    )
    body: Mapped[str] = mapped_column(
        String(500), info=personal("what they were told", special=True)
    )
    created_at: Mapped[datetime] = mapped_column(info=personal("when"))
    expires_at: Mapped[datetime] = mapped_column(info=personal("until when it counts"))
    read_at: Mapped[datetime | None] = mapped_column(info=personal("when they read it"))
    archived_at: Mapped[datetime | None] = mapped_column(info=personal("when they put it away"))
    snoozed_until: Mapped[datetime | None] = mapped_column(
        info=personal("until when they put it off")
    )
    surfaced_at: Mapped[datetime] = mapped_column(
        Computed("coalesce(snoozed_until, created_at)", persisted=True),
        info=personal("since when it is in the inbox"),
    )
