"""Notifications on the wire."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from api.schemas.campaigns import DecisionOut
from api.schemas.common import In, Instant, Out
from api.schemas.explanations import WhyOut
from geoservices.campaigns.rules import CampaignClass
from geoservices.deliveries.progress import PushProgress
from geoservices.deliveries.states import DeliveryState, ReceiptKind
from geoservices.listings.models import ListingKind
from geoservices.notifications.inbox import UNCHANGED, Change
from geoservices.notifications.models import NotificationKind


class AttemptOut(Out):
    """One try at a delivery."""

    number: int = Field(description="Counted from 1")
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    status: int | None = Field(description="HTTP status of the push service")
    reason: str | None


class ReceiptOut(Out):
    """What the service worker said."""

    kind: ReceiptKind
    occurred_at: datetime


class DeliveryOut(Out):
    """A notification on its way to one browser."""

    id: UUID
    state: DeliveryState
    reason: str | None
    accepted_at: datetime | None
    attempts: list[AttemptOut]
    receipts: list[ReceiptOut]


class AboutOut(Out):
    """Where to go for what a notification is about."""

    listing_kind: ListingKind | None = Field(description="Of what `listing_id` names")
    place_id: UUID
    place: str = Field(description="The place's name")


class NotificationOut(Out):
    """A notification, why it was sent, and how it fared.

    Word of a listing has no decision; a test has neither a listing nor a decision. A `bundle` is
    one push that stands for several others, and is in no folder: ask for them by `bundle_id`.
    """

    id: UUID
    kind: NotificationKind
    listing_id: UUID | None
    about: AboutOut | None = Field(description="Null where it is about no place")
    bundle_id: UUID | None = Field(
        description="The notification of the kind `bundle` that it was pushed with others as; its "
        "deliveries are that one's"
    )
    campaign_class: CampaignClass
    title: str
    body: str
    created_at: datetime
    expires_at: datetime
    read_at: datetime | None = Field(
        description="Null while it is unread, also once it has come back"
    )
    archived_at: datetime | None
    snoozed_until: datetime | None = Field(
        description="When it comes back to the inbox; null once it has"
    )
    push: PushProgress = Field(
        description="`sent`: a push service has it for at least one browser. `waiting`: not yet. "
        "`none`: there was no browser to push to, or push was off. `failed`: none could be reached"
    )
    why: WhyOut | None = Field(description="Why it came, and how to get no more of its kind")
    decision: DecisionOut | None
    deliveries: list[DeliveryOut]


class UnreadOut(Out):
    """What waits in the inbox."""

    unread: int = Field(description="How many notifications in the inbox are unread")


class NotificationChangeIn(In):
    """What shall become of a notification; what is left out stays as it is."""

    read: bool = Field(default=False, strict=True)
    archived: bool = Field(default=False, strict=True)
    snoozed_until: Instant | None = Field(
        default=None,
        description="Out of the inbox until then, a year at most, when it comes back unread; null "
        "puts it back",
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one of read, archived and snoozed_until")
        return self

    def to_change(self) -> Change:
        """Return what the domain takes."""
        given = self.model_fields_set
        return Change(
            read=self.read if "read" in given else UNCHANGED,
            archived=self.archived if "archived" in given else UNCHANGED,
            snoozed_until=self.snoozed_until if "snoozed_until" in given else UNCHANGED,
        )
