"""What was decided about a person, in words for that person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from geoservices.campaigns.pacing import Told
from geoservices.campaigns.rules import CampaignClass, Gate, Limits, Trigger
from geoservices.campaigns.windows import within
from geoservices.errors import GeoservicesError
from geoservices.offers.refusals import OfferLimitReached, OfferNotOn, OfferUsedUp

HAPPENED: Mapping[Trigger, str] = {
    Trigger.ENTERED: "you came to {place}",
    Trigger.DWELLED: "you had been at {place} for a while",
    Trigger.EXITED: "you left {place}",
    Trigger.CHECKED_IN: "you checked in at {place}",
    Trigger.EVENT_PUBLISHED: "an event at {place} was published",
    Trigger.TASK_CREATED: "there was a task to be done at {place}",
    Trigger.SCHEDULE: "everybody whom it is for was to be told",
    Trigger.NOW: "everybody whom it is for was to be told",
}
HELD: Mapping[Gate, str] = {
    Gate.CONSENT: "You had agreed to nothing, so nothing was sent. What you may agree to is at "
    "GET /v1/consents.",
    Gate.PURPOSE: "You had not agreed to be sent things for this purpose. What you may agree to "
    "is at GET /v1/consents.",
    Gate.SENSITIVE_PLACE: "This is a place, such as a clinic or a court, where being there never "
    "causes a message, to anyone.",
    Gate.RELEVANCE: "It had waited to be sent, and by then there was no reason left to tell you: "
    "you had left, or nobody wanted it told any more.",
    Gate.CONFIDENCE: "We were not sure enough that you were there.",
    Gate.AGE: "We heard of it too late: messages go out at once or not at all.",
    Gate.OPENING_HOURS: "The place was closed, or we did not know whether it was open.",
    Gate.SCHEDULE: "It was outside the hours of the week in which you would have been told.",
    Gate.QUIET_HOURS: "You did not want to be disturbed at that time. Your quiet hours are at "
    "GET /v1/preferences.",
    Gate.WORKING_HOURS: "It was outside your working hours. They are at GET /v1/working-hours.",
    Gate.CAP: "You had been sent as many messages as one person is sent in such a time.",
    Gate.CLASS_CAP: "You had been sent as many messages of this kind, such as offers, as one "
    "person is sent in such a time.",
    Gate.PLACE_CAP: "You had been told as many things at this place as one person is told at one "
    "place in such a time.",
    Gate.CAMPAIGN_CAP: "You had been told the same as often as anybody is in such a time.",
    Gate.COOLDOWN: "You had been told the same not long before, there or at a place that counts as "
    "the same.",
    Gate.CLAIMABLE: "What you would have been told of was not on at that moment.",
    Gate.DUPLICATE: "You had been told of it already on the same visit.",
    Gate.AT_MOST: "It was told to so many people at most, and as many had been told before you.",
    Gate.HOLD_OUT: "By lot some people are not told, so that it can be seen whether telling "
    "anybody is of use. You are one of them; nothing that you did is the reason.",
}
SENT = "You were told: nothing spoke against it."
WAITS = "It waits, and is looked at again when that is over."
WAS_SENT = "It waited, and was sent on {when}."
WAS_DROPPED = "It waited, and was not sent on {when} either. {why}"
HELD_BACK: Mapping[Gate, str] = {
    Gate.OPENING_HOURS: "because the place was closed",
    Gate.SCHEDULE: "because that is told at certain hours of the week alone",
    Gate.QUIET_HOURS: "because of your quiet hours",
    Gate.WORKING_HOURS: "because you were not at work",
    Gate.CAP: "because you had been sent as many messages as one person is sent in such a time",
    Gate.CLASS_CAP: "because you had been sent as many such messages as one person is sent in "
    "such a time",
    Gate.PLACE_CAP: "because you had been told as much at that place as one person is told in "
    "such a time",
}
"""Why a message waited; nothing else makes one wait."""
LATELY = timedelta(minutes=30)
"""A position older than this tells nothing of where a person is now."""


class Fate(StrEnum):
    """What became of a message."""

    SENT = "sent"
    WAITS = "waits"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """By which gate a decision held its message back, if by any, when, and whether to wait."""

    gate: Gate | None
    at: datetime
    waits: bool

    @property
    def fate(self) -> Fate:
        """What became of the message, if this was the last word on it."""
        if self.gate is None:
            return Fate.SENT
        return Fate.WAITS if self.waits else Fate.DROPPED


def in_words(gate: Gate | None) -> str:
    """Return what a decision by a gate, or to send, means to the person it was about."""
    return SENT if gate is None else HELD[gate]


def with_its_fate(ruled: Ruled, last: Ruled, *, time_zone: str) -> str:
    """Return what a decision means to the person it was about, and what became of its message.

    Args:
        ruled: What it ruled.
        last: What the last decision about that message did; this one, if none came after it.
        time_zone: The person's.
    """
    why = in_words(ruled.gate)
    if not ruled.waits:
        return why
    if last.gate is None:
        return f"{why} {WAS_SENT.format(when=_when(last.at, time_zone))}"
    if last.waits:
        return f"{why} {WAITS}"
    return f"{why} {WAS_DROPPED.format(when=_when(last.at, time_zone), why=in_words(last.gate))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """That a message was held back by a gate, when, and until when."""

    gate: Gate
    held_at: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a person was told of something; `agreed_text` is what they said yes to, as they read it.

    `holds` says what held it back before it was sent, in the order in which it did. `interests` are
    the names of those of the person's interests that it was for.
    """

    title: str
    trigger: Trigger
    campaign_class: CampaignClass
    place: str | None
    organisation: str
    happened_at: datetime
    purpose: str
    agreed_text: str
    agreed_language: str
    agreed_at: datetime | None
    time_zone: str
    sent_at: datetime
    holds: Sequence[Hold] = ()
    interests: Sequence[str] = ()


def why(cause: Cause) -> str:
    """Return why a person was told: what happened, who told, why only then, what they agreed to."""
    happened = HAPPENED[cause.trigger].format(place=cause.place)
    told = (
        f"{cause.organisation} told you of “{cause.title}” because {happened} on "
        f"{_when(cause.happened_at, cause.time_zone)}."
    )
    if cause.interests:
        topics = " and of ".join(f"“{one}”" for one in cause.interests)
        told += f" You had chosen to hear of {topics}."
    for hold in cause.holds:
        told += (
            f" It was held back on {_when(hold.held_at, cause.time_zone)} until "
            f"{_when(hold.until, cause.time_zone)}, {HELD_BACK[hold.gate]}."
        )
    if cause.holds:
        told += f" It was sent on {_when(cause.sent_at, cause.time_zone)}."
    if cause.agreed_at is None:
        return told
    agreed = _when(cause.agreed_at, cause.time_zone)
    return f"{told} On {agreed} you had agreed to this: “{cause.agreed_text}”"


def how_to_stop(cause: Cause) -> list[str]:
    """Return what a person can do to be told no more, from the mildest on."""
    quiet = ["Say when not to be disturbed: PUT /v1/preferences."]
    other = ["Choose what you want to hear of: PUT /v1/me/interests."]
    return [
        *(other if cause.interests else []),
        *(quiet if cause.campaign_class is not CampaignClass.CRITICAL else []),
        f"Have it in the inbox only, without a push: PUT /v1/channels/{cause.purpose}.",
        f"Withdraw your consent, and nothing more is sent: DELETE /v1/consents/{cause.purpose}.",
        "Have everything about you erased: DELETE /v1/me.",
    ]


class Check(StrEnum):
    """What has to be so for a person to be told of something at a place."""

    CONSENT = "consent"
    POSITION = "position"
    WATCHED = "watched"
    PRESENCE = "presence"
    SENSITIVE_PLACE = "sensitive-place"
    SOMETHING_ON = "something-on"
    QUIET_HOURS = "quiet-hours"
    CAP = "cap"
    CLASS_CAP = "class-cap"
    PLACE_CAP = "place-cap"
    PUSH = "push"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand for one person at one place, now.

    `located_at` is the newest time of which a device of theirs told where it was, `there_at` when
    they last came to the place or checked in there; None where neither was so. `told` is how much
    they were told lately, as far as it counts towards the caps.
    """

    place: str
    agrees: bool
    located_at: datetime | None
    there_at: datetime | None
    watched: bool
    sensitive: bool
    something_on: bool
    time_zone: str
    quiet_from: time | None
    quiet_until: time | None
    told: Told
    pushable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Whether something is as it has to be, and what that means."""

    check: Check
    passed: bool
    in_words: str


PASSED: Mapping[Check, str] = {
    Check.CONSENT: "You agreed that where you are is used to tell you of things.",
    Check.POSITION: "We heard lately where one of your devices is.",
    Check.WATCHED: "Coming to {place} is noticed.",
    Check.PRESENCE: "You were at {place} on {there}.",
    Check.SENSITIVE_PLACE: "{place} is no place where messages are ruled out.",
    Check.SOMETHING_ON: "Something is on at {place}. Whether people who come by are told of"
    " it is for its organisation to decide.",
    Check.QUIET_HOURS: "These are not your quiet hours.",
    Check.CAP: "You have not been sent too many messages lately.",
    Check.CLASS_CAP: "Nor too many of one kind.",
    Check.PLACE_CAP: "You have not been told too many things at {place} lately.",
    Check.PUSH: "One of your browsers can be notified.",
}
"""What a check means that is passed."""
NOT_PASSED: Mapping[Check, str] = {
    Check.CONSENT: "You have not agreed that where you are is used to tell you of things, "
    "so it is not. What you may agree to is at GET /v1/consents.",
    Check.POSITION: "For half an hour none of your devices has told us where it is, so we "
    "do not know.",
    Check.WATCHED: "Nobody's coming to {place} is noticed: no area round it is watched.",
    Check.PRESENCE: "As far as we know you were not at {place} in the last day. It takes an"
    " exact position well inside, or some that are less so.",
    Check.SENSITIVE_PLACE: "{place} is a place, such as a clinic or a court, where being "
    "there never causes a message, to anyone.",
    Check.SOMETHING_ON: "Nothing is on at {place} at the moment.",
    Check.QUIET_HOURS: "These are your quiet hours. You change them with PUT /v1/preferences.",
    Check.CAP: "You were sent {told} messages lately; nobody is sent more than {cap} in "
    "such a time.",
    Check.CLASS_CAP: "Of one kind of message, {classes}, you were sent as many lately as anybody "
    "is in such a time. Others may still come.",
    Check.PLACE_CAP: "You were told {here} things at {place} lately; nobody is told more than "
    "{place_cap} in such a time.",
    Check.PUSH: "None of your browsers can be notified, or you switched that off. What you "
    "are told is in your inbox all the same.",
}
"""What it means where it is not."""


def look_into(standing: Standing, *, limits: Limits, at: datetime) -> list[Finding]:
    """Return what speaks for and against being told of something at a place, for coming by.

    It looks at the person's own things and at what anyone may know of the place. Whether anybody
    wanted to tell people anything there is that organisation's own affair.
    """
    there_at, located_at, told = standing.there_at, standing.located_at, standing.told
    full = [
        class_
        for class_, cap in limits.class_caps.items()
        if told.of_class.get(class_, 0) >= cap.messages
    ]
    passed = {
        Check.CONSENT: standing.agrees,
        Check.POSITION: located_at is not None and at - located_at <= LATELY,
        Check.WATCHED: standing.watched,
        Check.PRESENCE: there_at is not None,
        Check.SENSITIVE_PLACE: not standing.sensitive,
        Check.SOMETHING_ON: standing.something_on,
        Check.QUIET_HOURS: not _is_quiet(standing, at),
        Check.CAP: told.in_window < limits.person_cap.messages,
        Check.CLASS_CAP: not full,
        Check.PLACE_CAP: told.here < limits.place_cap.messages,
        Check.PUSH: standing.pushable,
    }
    figures = {
        "place": standing.place,
        "there": _when(there_at, standing.time_zone) if there_at else "",
        "told": told.in_window,
        "cap": limits.person_cap.messages,
        "classes": " and ".join(full),
        "here": told.here,
        "place_cap": limits.place_cap.messages,
    }
    words = {check: (PASSED if passed[check] else NOT_PASSED)[check] for check in Check}
    return [
        Finding(check=check, passed=passed[check], in_words=words[check].format(**figures))
        for check in Check
    ]


def of_offer(refused: GeoservicesError | None, *, time_zone: str) -> str:
    """Return whether a person could have what an offer has now, and if not why, and until when."""
    if refused is None:
        return "You could redeem it now."
    told = f"{refused.title}. {refused}"
    match refused:
        case (
            OfferNotOn(next_on_at=datetime() as when)
            | OfferUsedUp(free_at=datetime() as when)
            | OfferLimitReached(again_at=datetime() as when)
        ):
            return f"{told} That is on {_when(when, time_zone)}."
        case _:
            return told


def _is_quiet(standing: Standing, at: datetime) -> bool:
    if standing.quiet_from is None or standing.quiet_until is None:
        return False
    here = at.astimezone(ZoneInfo(standing.time_zone)).time()
    return within(here, standing.quiet_from, standing.quiet_until)


def _when(at: datetime, time_zone: str) -> str:
    here = at.astimezone(ZoneInfo(time_zone))
    return f"{here.day} {here:%B %Y at %H:%M}"
