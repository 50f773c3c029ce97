"""What is told, kept and written down of people."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from geoservices.settings.kinds import Span, SpanOrNone

PROMISED_COUNT = 10
"""What the consent text for statistics says, so that no setting may be below it."""


class StatisticsSettings(BaseModel, frozen=True, extra="forbid"):
    """What managers are told of many people at once."""

    smallest_count: Annotated[int, Field(ge=PROMISED_COUNT)] = PROMISED_COUNT
    """A count with fewer people behind it is not told; people were promised ten."""
    count_after: SpanOrNone = timedelta(days=1)
    """A day's visits are counted this long after its end; what comes later is never counted."""


class RetentionSettings(BaseModel, frozen=True, extra="forbid"):
    """How long what has happened is kept; raw positions are `intake.ping_retention`'s.

    The consent texts promise 30 days for visits and check-ins: with more, publish new texts.
    """

    visits: Span = timedelta(days=30)
    """Visits that have ended, their transitions, and crossings."""
    check_ins: Span = timedelta(days=30)
    sensitive_check_ins: Span = timedelta(days=1)
    """Check-ins and redemptions at sensitive places, and what was decided and told because of the
    first."""
    redemptions: Annotated[timedelta, Field(ge=timedelta(days=32), le=timedelta(days=3660))] = (
        timedelta(days=40)
    )
    """Redemptions, and those that count towards a limit for as long as they do. Limits may be
    renewed by the month, so this is longer than one."""
    redemption_codes: Span = timedelta(days=1)
    """Codes that were not redeemed, after they expired."""
    sign_ups: Span = timedelta(days=7)
    """Sign-ups for events, after the occurrence ended; how many came stays."""
    decisions: Span = timedelta(days=30)
    """Decisions that told nobody of anything."""
    notifications: Span = timedelta(days=90)
    """Notifications with their deliveries, and the decisions that made them."""
    letters: Span = timedelta(days=30)
    """That digests were sent; confirmations of addresses are kept for two days."""
    subscriptions: Span = timedelta(days=30)
    """Browsers' subscriptions that have ended."""
    phone_links: Span = timedelta(days=30)
    """Credentials of phone apps that were revoked."""
    sign_ins: Span = timedelta(days=30)
    """Sign-ins that have expired or were revoked."""
    devices: Span = timedelta(days=30)
    """Devices that were signed off, the hashes of tokens that others took the place of, and
    citizens without any device or confirmed address."""
    unused_devices: Span = timedelta(days=400)
    """A device that was not heard of for so long is signed off."""
    task_steps: Span = timedelta(days=365)
    """Who did what with tasks; the tasks themselves stay."""
    codes: Span = timedelta(days=365)
    """Codes at places that were revoked or are past their end."""
    photos: Span = timedelta(days=365)
    """Photos of tasks, since they were sent."""
    task_imports: Span = timedelta(days=30)
    """What became of each line of files of tasks, since they were sent."""
    replays: Span = timedelta(days=7)
    """Replays of campaigns, since they were over; they hold counts of many people alone."""
    consents: Span = timedelta(days=2190)
    """Consents that were withdrawn, with their receipts: as long as claims may be made."""


class RightsSettings(BaseModel, frozen=True, extra="forbid"):
    """What people can do about what is held about them."""

    export_kept: Span = timedelta(days=7)
    """A copy that a person asked for is deleted this long after it was ready."""
    erasures_kept: Span = timedelta(days=360)
    """How long the list of who was erased is kept: longer than any backup."""


class AuditSettings(BaseModel, frozen=True, extra="forbid"):
    """What is written down of who read or changed what."""

    retention: Span = timedelta(days=2192)
    """Entries are pruned after this long: six years, after which few claims can be brought."""
