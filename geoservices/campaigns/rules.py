"""What the gates are asked about: who is told of what, by whom, and how much is allowed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum

from geoservices.campaigns.cooldowns import CooldownPer
from geoservices.campaigns.windows import Weekly
from geoservices.places.hours import OpenState


class Trigger(StrEnum):
    """What sets a campaign off."""

    ENTERED = "entered"
    DWELLED = "dwelled"
    EXITED = "exited"
    CHECKED_IN = "checked-in"
    EVENT_PUBLISHED = "event-published"
    TASK_CREATED = "task-created"
    SCHEDULE = "schedule"
    NOW = "now"


BY_PASSING = frozenset({Trigger.ENTERED, Trigger.DWELLED, Trigger.EXITED})
"""What somebody sets off without doing anything for it."""
BY_LISTINGS = frozenset({Trigger.EVENT_PUBLISHED, Trigger.TASK_CREATED})
"""What a listing sets off, of which the campaign then speaks."""
BY_RUNS = BY_LISTINGS | {Trigger.SCHEDULE, Trigger.NOW}
"""What nobody sets off by being somewhere: the campaign goes through all whom it is for."""


class CampaignClass(StrEnum):
    """How much a message matters: it sets the push urgency and which limits apply.

    What is critical is for members alone: no quiet hours and no cap of the service's hold it back.
    """

    OFFER = "offer"
    SERVICE = "service"
    CRITICAL = "critical"

    def is_exempt(self, *, is_member: bool) -> bool:
        """Tell whether no quiet hours and no cap hold it back; to citizens nothing is like that."""
        return is_member and self is CampaignClass.CRITICAL


class Gate(StrEnum):
    """What can hold a message back, in the order in which they are asked."""

    CONSENT = "consent"
    PURPOSE = "purpose"
    SENSITIVE_PLACE = "sensitive-place"
    RELEVANCE = "relevance"
    CONFIDENCE = "confidence"
    AGE = "age"
    OPENING_HOURS = "opening-hours"
    SCHEDULE = "schedule"
    QUIET_HOURS = "quiet-hours"
    WORKING_HOURS = "working-hours"
    CAP = "cap"
    CLASS_CAP = "class-cap"
    PLACE_CAP = "place-cap"
    CAMPAIGN_CAP = "campaign-cap"
    COOLDOWN = "cooldown"
    CLAIMABLE = "claimable"
    DUPLICATE = "duplicate"
    AT_MOST = "at-most"
    HOLD_OUT = "hold-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The most messages that one person is sent in any window of a length."""

    messages: int
    within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a campaign asks for; `trigger` is what set it off this time."""

    trigger: Trigger
    campaign_class: CampaignClass
    purpose: str
    min_confidence: int
    only_when_open: bool
    cooldown: timedelta
    cooldown_per: CooldownPer
    weekly: Weekly
    cap: Cap | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What holds for every campaign.

    Critical messages to members neither count towards a cap nor are held back by one; `class_caps`
    has one for each of the other classes, and `place_cap` is for what one person is told at one
    place. `longest_wait` is how long what was held back may wait.
    """

    max_age: timedelta
    person_cap: Cap
    class_caps: Mapping[CampaignClass, Cap]
    place_cap: Cap
    longest_wait: timedelta = timedelta(hours=24)

    @property
    def longest(self) -> timedelta:
        """How long what somebody was told counts towards any of the caps."""
        caps = (self.person_cap, self.place_cap, *self.class_caps.values())
        return max(cap.within for cap in caps)


# A replay makes millions of them, and a frozen one takes three times as long to make.
@dataclass(slots=True, kw_only=True)
class Circumstances:
    """What is known of the occasion, the person and the place when a campaign decides.

    `unclaimable` is why nobody could make use of the listing, in a sentence; None if they could.
    `told_in_window` is how many messages the person got that count towards the cap on a person,
    `told_of_class` and `told_here` towards the caps on the class and the place, and
    `told_by_campaign` towards the campaign's own, each within its window. `last_told_at` is when
    this campaign last told them where its cooldown looks, and `told_this_visit` whether it did so
    because of this visit or one that still goes on; `held_out` whether the lot fell on them to be
    told nothing; `full` how many it tells at most, if it told as many others; `is_member` whether
    they belong to the organisation, as citizens do to none; `off_work`, and `works_from`, when they
    work next, are of members who said. `unasked` gates have nothing to ask
    about, and let nobody through. Of a message that had been held back, `held_until` is when it was
    to be looked at again, `irrelevant` why nobody would tell it now.
    """

    occurred_at: datetime
    confidence: int
    purposes: frozenset[str]
    sensitive: bool
    open_state: OpenState
    opens_at: datetime | None
    unclaimable: str | None
    time_zone: str
    quiet_from: time | None
    quiet_until: time | None
    told_in_window: int
    told_of_class: int
    told_here: int
    told_by_campaign: int
    last_told_at: datetime | None
    told_this_visit: bool
    held_out: bool
    full: int | None = None
    is_member: bool = False
    off_work: bool = False
    works_from: datetime | None = None
    unasked: frozenset[Gate] = frozenset()
    held_until: datetime | None = None
    irrelevant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One gate's no."""

    reason: str
    detail: Mapping[str, object] = field(default_factory=dict)
