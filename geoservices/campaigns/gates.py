"""Whether a person is told of something, and if not, which gate held it back."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from geoservices.campaigns import windows
from geoservices.campaigns.amounts import hours, minutes, so_many
from geoservices.campaigns.cooldowns import IN_WORDS
from geoservices.campaigns.rules import (
    BY_RUNS,
    Circumstances,
    Gate,
    Held,
    Limits,
    Terms,
    Trigger,
)
from geoservices.places.hours import OpenState

Why = Callable[[], Held]
"""Puts a gate's no in words, which takes longer than to say it."""
Asks = Callable[[Terms, Circumstances, Limits, datetime], Why | None]


def held_by(
    terms: Terms, about: Circumstances, *, limits: Limits, at: datetime
) -> tuple[Gate, Why] | None:
    """Ask every gate that has something to ask, in the fixed order.

    Args:
        terms: What the campaign asks for.
        about: What is known of occasion, person and place.
        limits: What holds for every campaign.
        at: The moment of deciding.

    Returns:
        The first gate that said no, and why; None if all let it through.
    """
    for gate, asks in _asking(about.unasked):
        if (why := asks(terms, about, limits, at)) is not None:
            return gate, why
    return None


def asked(unasked: frozenset[Gate]) -> tuple[Gate, ...]:
    """Return all gates but some, in their order."""
    return tuple(gate for gate, _asks in _asking(unasked))


@lru_cache
def _asking(unasked: frozenset[Gate]) -> tuple[tuple[Gate, Asks], ...]:
    return tuple((gate, asks) for gate, asks in _GATES.items() if gate not in unasked)


def _said(reason: str) -> Why:
    return lambda: Held(reason=reason)


def _is_exempt(terms: Terms, about: Circumstances) -> bool:
    return terms.campaign_class.is_exempt(is_member=about.is_member)


def _consent(_terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Why | None:
    if not about.purposes:
        return _said("The person has agreed to nothing.")
    return None


def _purpose(terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Why | None:
    if terms.purpose not in about.purposes:
        return lambda: Held(
            reason=f"The person has not agreed to the purpose {terms.purpose}.",
            detail={"purpose": terms.purpose},
        )
    return None


def _sensitive(terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Why | None:
    if not about.sensitive or terms.trigger is Trigger.CHECKED_IN:
        return None
    if terms.trigger in BY_RUNS:
        return _said("The place is sensitive: nobody is told of it who is not there.")
    return _said("The place is sensitive: passing it never causes a message.")


def _relevance(_terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Why | None:
    return None if about.irrelevant is None else _said(about.irrelevant)


def _confidence(terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Why | None:
    if about.confidence < terms.min_confidence:
        return lambda: Held(
            reason=f"Presence is known with confidence {about.confidence} of 3, and the campaign "
            f"asks for {terms.min_confidence}.",
            detail={"confidence": about.confidence, "min_confidence": terms.min_confidence},
        )
    return None


def _age(_terms: Terms, about: Circumstances, limits: Limits, at: datetime) -> Why | None:
    # Having been held back makes nothing older: what counts then is how late it is looked at.
    age = at - (about.held_until or about.occurred_at)
    if age > limits.max_age:
        since = "happened" if about.held_until is None else "was to be sent"
        return lambda: Held(
            reason=f"It {since} {minutes(age)} ago; messages go out within "
            f"{minutes(limits.max_age)}.",
            detail={"age_s": age.total_seconds(), "max_age_s": limits.max_age.total_seconds()},
        )
    return None


def _opening(terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Why | None:
    if not terms.only_when_open or about.open_state is OpenState.OPEN:
        return None
    if about.open_state is OpenState.UNKNOWN:
        return _said("The place's opening hours are not known.")
    opens_at = about.opens_at
    if opens_at is None:
        return lambda: Held(reason="The place is closed.", detail={"opens_at": None})
    return lambda: Held(
        reason=f"The place is closed until {opens_at:%A %H:%M}.",
        detail={"opens_at": opens_at.isoformat()},
    )


def _schedule(terms: Terms, _about: Circumstances, _limits: Limits, at: datetime) -> Why | None:
    if windows.is_on(terms.weekly, at):
        return None
    return lambda: Held(
        reason="The campaign speaks at certain hours of the week alone, and this is none of them.",
        detail={"time_zone": terms.weekly.time_zone},
    )


def _quiet(terms: Terms, about: Circumstances, _limits: Limits, at: datetime) -> Why | None:
    if about.quiet_from is None or about.quiet_until is None or _is_exempt(terms, about):
        return None
    here = at.astimezone(ZoneInfo(about.time_zone)).time()
    if windows.within(here, about.quiet_from, about.quiet_until):
        return lambda: Held(
            reason=f"It is within the person's quiet hours, "
            f"{about.quiet_from:%H:%M} to {about.quiet_until:%H:%M}.",
            detail={"time_zone": about.time_zone},
        )
    return None


def _working(terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Why | None:
    if about.off_work and not _is_exempt(terms, about):
        return _said("It is outside the person's working hours.")
    return None


def _cap(terms: Terms, about: Circumstances, limits: Limits, _at: datetime) -> Why | None:
    cap, told = limits.person_cap, about.told_in_window
    if told < cap.messages or _is_exempt(terms, about):
        return None
    return lambda: Held(
        reason=f"The person got {so_many(told, 'message')} in the last {hours(cap.within)}; "
        f"{cap.messages} are allowed.",
        detail={"told_in_window": told, "person_cap": cap.messages},
    )


def _class_cap(terms: Terms, about: Circumstances, limits: Limits, _at: datetime) -> Why | None:
    class_, told = terms.campaign_class, about.told_of_class
    cap = limits.class_caps.get(class_)
    if cap is None or told < cap.messages:
        return None
    return lambda: Held(
        reason=f"The person got {so_many(told, 'message')} of the class {class_} "
        f"in the last {hours(cap.within)}; {cap.messages} are allowed.",
        detail={"campaign_class": class_, "told_of_class": told, "class_cap": cap.messages},
    )


def _place_cap(terms: Terms, about: Circumstances, limits: Limits, _at: datetime) -> Why | None:
    cap, told = limits.place_cap, about.told_here
    if told < cap.messages or _is_exempt(terms, about):
        return None
    return lambda: Held(
        reason=f"The person was told {so_many(told, 'thing')} at this place in the last "
        f"{hours(cap.within)}; {cap.messages} are allowed.",
        detail={"told_here": told, "place_cap": cap.messages},
    )


def _campaign_cap(terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Why | None:
    cap, told = terms.cap, about.told_by_campaign
    if cap is None or told < cap.messages:
        return None
    return lambda: Held(
        reason=f"The campaign told the person {so_many(told, 'time')} in the last "
        f"{hours(cap.within)}, and does so {so_many(cap.messages, 'time')} at most.",
        detail={"told_by_campaign": told, "campaign_cap": cap.messages},
    )


def _cooldown(terms: Terms, about: Circumstances, _limits: Limits, at: datetime) -> Why | None:
    # Where two decide at the same time, the other's moment may lie after ours.
    last, cooldown = about.last_told_at, terms.cooldown
    if last is None or not cooldown or at - last >= cooldown:
        return None
    if about.told_this_visit and Gate.DUPLICATE not in about.unasked:
        return None  # The same visit again is a duplicate, and the last gate says so.
    return lambda: Held(
        reason=f"The campaign told the person{IN_WORDS[terms.cooldown_per]} "
        f"{minutes(at - last)} ago and waits {minutes(cooldown)}.",
        detail={
            "last_told_at": last.isoformat(),
            "cooldown_s": cooldown.total_seconds(),
            "cooldown_per": terms.cooldown_per,
        },
    )


def _claimable(_terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Why | None:
    return None if about.unclaimable is None else _said(about.unclaimable)


def _duplicate(_terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Why | None:
    told = "The person was told of it already on this visit."
    return _said(told) if about.told_this_visit else None


def _at_most(_terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Why | None:
    if about.full is None:
        return None
    told = f"The campaign has told as many people as it tells in all, {about.full}."
    return lambda: Held(reason=told, detail={"at_most": about.full})


def _hold_out(_terms: Terms, about: Circumstances, _limits: Limits, _at: datetime) -> Why | None:
    if about.held_out:
        return lambda: Held(
            reason="The lot fell on the person to be told nothing, so that what the campaign "
            "brings about can be told from what would have happened anyway."
        )
    return None


_GATES: Mapping[Gate, Asks] = {
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
    Gate.AT_MOST: _at_most,
    Gate.HOLD_OUT: _hold_out,
}
