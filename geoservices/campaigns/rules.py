"""Whether a person is told of something, and if not, which gate held it back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from geoservices.campaigns import windows
from geoservices.campaigns.amounts import hours, minutes, so_many
from geoservices.campaigns.cooldowns import IN_WORDS, CooldownPer
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
    """How much a message matters: it sets the push urgency and which limits apply."""

    OFFER = "offer"
    SERVICE = "service"
    CRITICAL = "critical"


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

    Critical messages neither count towards a cap nor are held back by one; `class_caps` has one
    for each of the other classes, and `place_cap` is for what one person is told at one place.
    `longest_wait` is how long what was held back may wait.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known of the occasion, the person and the place when a campaign decides.

    `unclaimable` is why nobody could make use of the listing, in a sentence; None if they could.
    `told_in_window` is how many messages the person got that count towards the cap on a person,
    `told_of_class` and `told_here` towards the caps on the class and the place, and
    `told_by_campaign` towards the campaign's own, each within its window. `last_told_at` is when
    this campaign last told them where its cooldown looks, and `told_this_visit` whether it did so
    because of a visit that still goes on; `held_out` whether the lot fell on them to be told
    nothing; `off_work` is of members who said when they work. The gates in `unasked` have nothing
    to ask about, which is not to have let anybody through. Of a message that had been held back,
    `held_until` is when it was to be looked at again, and `irrelevant` why nobody would tell it any
    more, in a sentence.
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
    off_work: bool = False
    unasked: frozenset[Gate] = frozenset()
    held_until: datetime | None = None
    irrelevant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Send, or hold with the first gate that said no.

    `passed` lists the gates that said yes before it, `detail` the figures behind the reason.
    """

    gate: Gate | None
    reason: str
    passed: tuple[Gate, ...]
    detail: Mapping[str, object] = field(default_factory=dict)

    @property
    def sends(self) -> bool:
        """Whether the person is told."""
        return self.gate is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One gate's no."""

    reason: str
    detail: Mapping[str, object] = field(default_factory=dict)


def decide(terms: Terms, about: Circumstances, *, limits: Limits, at: datetime) -> Ruling:
    """Ask every gate that has something to ask, in the fixed order; the first no is the answer.

    Args:
        terms: What the campaign asks for.
        about: What is known of occasion, person and place.
        limits: What holds for every campaign.
        at: The moment of deciding.
    """
    asked = _asked(about.unasked)
    for number, gate in enumerate(asked):
        held = _GATES[gate](terms, about, limits, at)
        if held is not None:
            return Ruling(gate=gate, reason=held.reason, passed=asked[:number], detail=held.detail)
    return Ruling(gate=None, reason="Every gate let it through.", passed=asked)


@lru_cache
def _asked(unasked: frozenset[Gate]) -> tuple[Gate, ...]:
    return tuple(gate for gate in _GATES if gate not in unasked)


def _consent(_terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Held | None:
    if not about.purposes:
        return Held(reason="The person has agreed to nothing.")
    return None


def _purpose(terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Held | None:
    if terms.purpose not in about.purposes:
        return Held(
            reason=f"The person has not agreed to the purpose {terms.purpose}.",
            detail={"purpose": terms.purpose},
        )
    return None


def _sensitive(terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Held | None:
    if not about.sensitive or terms.trigger is Trigger.CHECKED_IN:
        return None
    if terms.trigger in BY_RUNS:
        return Held(reason="The place is sensitive: nobody is told of it who is not there.")
    return Held(reason="The place is sensitive: passing it never causes a message.")


def _relevance(_terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Held | None:
    return None if about.irrelevant is None else Held(reason=about.irrelevant)


def _confidence(terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Held | None:
    if about.confidence < terms.min_confidence:
        return Held(
            reason=f"Presence is known with confidence {about.confidence} of 3, and the campaign "
            f"asks for {terms.min_confidence}.",
            detail={"confidence": about.confidence, "min_confidence": terms.min_confidence},
        )
    return None


def _age(_terms: Terms, about: Circumstances, limits: Limits, at: datetime) -> Held | None:
    # Having been held back makes nothing older: what counts then is how late it is looked at.
    age = at - (about.held_until or about.occurred_at)
    if age > limits.max_age:
        since = "happened" if about.held_until is None else "was to be sent"
        return Held(
            reason=f"It {since} {minutes(age)} ago; messages go out within "
            f"{minutes(limits.max_age)}.",
            detail={"age_s": age.total_seconds(), "max_age_s": limits.max_age.total_seconds()},
        )
    return None


def _opening(terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Held | None:
    if not terms.only_when_open or about.open_state is OpenState.OPEN:
        return None
    if about.open_state is OpenState.UNKNOWN:
        return Held(reason="The place's opening hours are not known.")
    opens_at = about.opens_at.isoformat() if about.opens_at else None
    until = f" until {about.opens_at:%A %H:%M}" if about.opens_at else ""
    return Held(reason=f"The place is closed{until}.", detail={"opens_at": opens_at})


def _schedule(terms: Terms, _about: Circumstances, _limits: Limits, at: datetime) -> Held | None:
    if windows.is_on(terms.weekly, at):
        return None
    return Held(
        reason="The campaign speaks at certain hours of the week alone, and this is none of them.",
        detail={"time_zone": terms.weekly.time_zone},
    )


def _quiet(terms: Terms, about: Circumstances, _limits: Limits, at: datetime) -> Held | None:
    if about.quiet_from is None or about.quiet_until is None:
        return None
    if terms.campaign_class is CampaignClass.CRITICAL:
        return None
    here = at.astimezone(ZoneInfo(about.time_zone)).time()
    if windows.within(here, about.quiet_from, about.quiet_until):
        return Held(
            reason=f"It is within the person's quiet hours, "
            f"{about.quiet_from:%H:%M} to {about.quiet_until:%H:%M}.",
            detail={"time_zone": about.time_zone},
        )
    return None


def _working(terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Held | None:
    if about.off_work and terms.campaign_class is not CampaignClass.CRITICAL:
        return Held(reason="It is outside the person's working hours.")
    return None


def _cap(terms: Terms, about: Circumstances, limits: Limits, _at: datetime) -> Held | None:
    cap, told = limits.person_cap, about.told_in_window
    if terms.campaign_class is CampaignClass.CRITICAL or told < cap.messages:
        return None
    return Held(
        reason=f"The person got {so_many(told, 'message')} in the last {hours(cap.within)}; "
        f"{cap.messages} are allowed.",
        detail={"told_in_window": told, "person_cap": cap.messages},
    )


def _class_cap(terms: Terms, about: Circumstances, limits: Limits, _at: datetime) -> Held | None:
    cap, told = limits.class_caps.get(terms.campaign_class), about.told_of_class
    if cap is None or told < cap.messages:
        return None
    return Held(
        reason=f"The person got {so_many(told, 'message')} of the class {terms.campaign_class} "
        f"in the last {hours(cap.within)}; {cap.messages} are allowed.",
        detail={
            "campaign_class": terms.campaign_class,
            "told_of_class": told,
            "class_cap": cap.messages,
        },
    )


def _place_cap(terms: Terms, about: Circumstances, limits: Limits, _at: datetime) -> Held | None:
    cap, told = limits.place_cap, about.told_here
    if terms.campaign_class is CampaignClass.CRITICAL or told < cap.messages:
        return None
    return Held(
        reason=f"The person was told {so_many(told, 'thing')} at this place in the last "
        f"{hours(cap.within)}; {cap.messages} are allowed.",
        detail={"told_here": told, "place_cap": cap.messages},
    )


def _campaign_cap(
    terms: Terms, about: Circumstances, _limits: Limits, _at: datetime
) -> Held | None:
    cap, told = terms.cap, about.told_by_campaign
    if cap is None or told < cap.messages:
        return None
    return Held(
        reason=f"The campaign told the person {so_many(told, 'time')} in the last "
        f"{hours(cap.within)}, and does so {so_many(cap.messages, 'time')} at most.",
        detail={"told_by_campaign": told, "campaign_cap": cap.messages},
    )


def _cooldown(terms: Terms, about: Circumstances, _limits: Limits, at: datetime) -> Held | None:
    # Where two decide at the same time, the other's moment may lie after ours.
    if (
        about.last_told_at is None
        or at - about.last_told_at >= terms.cooldown
        or not terms.cooldown
    ):
        return None
    if about.told_this_visit and Gate.DUPLICATE not in about.unasked:
        return None  # The same visit again is a duplicate, and the last gate says so.
    return Held(
        reason=f"The campaign told the person{IN_WORDS[terms.cooldown_per]} "
        f"{minutes(at - about.last_told_at)} ago and waits {minutes(terms.cooldown)}.",
        detail={
            "last_told_at": about.last_told_at.isoformat(),
            "cooldown_s": terms.cooldown.total_seconds(),
            "cooldown_per": terms.cooldown_per,
        },
    )


def _claimable(_terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Held | None:
    return None if about.unclaimable is None else Held(reason=about.unclaimable)


def _duplicate(_terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Held | None:
    if about.told_this_visit:
        return Held(reason="The person was told of it already on this visit.")
    return None


def _hold_out(_terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Held | None:
    if about.held_out:
        return Held(
            reason="The lot fell on the person to be told nothing, so that what the campaign "
            "brings about can be told from what would have happened anyway."
        )
    return None


_GATES: Mapping[Gate, Callable[[Terms, Circumstances, Limits, datetime], Held | None]] = {
    Gate.CONSENT: _consent,
    Gate.PURPOSE: _purpose,
    Gate.SENSITIVE_PLACE: _sensitive,
    Gate.RELEVANCE: _relevance,
    Gate.CONFIDENCE: _confidence,
    Gate.AGE: _age,
    Gate.OPENING_HOURS: _opening,
    Gate.SCHEDULE: _schedule,
    Gate.QUIET_HOURS: _quiet,
    Gate.WORKING_HOURS: _working,
    Gate.CAP: _cap,
    Gate.CLASS_CAP: _class_cap,
    Gate.PLACE_CAP: _place_cap,
    Gate.CAMPAIGN_CAP: _campaign_cap,
    Gate.COOLDOWN: _cooldown,
    Gate.CLAIMABLE: _claimable,
    Gate.DUPLICATE: _duplicate,
    Gate.HOLD_OUT: _hold_out,
}
