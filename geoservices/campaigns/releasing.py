"""When a message that a gate held back is looked at again, and until when it may wait."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from geoservices.campaigns.rules import Cap, Circumstances, Gate, Limits
from geoservices.campaigns.windows import Weekly, next_on, next_when, within

PASSING: Final = frozenset(
    {
        *(Gate.OPENING_HOURS, Gate.SCHEDULE, Gate.QUIET_HOURS, Gate.WORKING_HOURS),
        *(Gate.CAP, Gate.CLASS_CAP, Gate.PLACE_CAP),
    }
)
"""Gates that say yes once enough time has passed, without anybody's doing anything.

A campaign that told somebody just before, or on the same visit, has nothing to tell them later:
its own cap, its cooldown and what was told already drop a message for good.
"""


def look_again(
    gate: Gate,
    about: Circumstances,
    *,
    weekly: Weekly,
    told: Sequence[datetime],
    cap: Cap | None,
    at: datetime,
) -> datetime | None:
    """Return the first instant at which a gate that said no may say yes.

    Args:
        gate: Which gate.
        about: What it knew when it said no.
        weekly: The campaign's weekly windows.
        told: When the person was told what counts towards the cap, within its window.
        cap: The one that said no, if one did.
        at: When it said no.

    Returns:
        An instant after `at`, in UTC; None if time alone will not change its mind, or nobody knows
        when.
    """
    found: datetime | None = None
    match gate:
        case Gate.OPENING_HOURS:
            found = about.opens_at
        case Gate.SCHEDULE:
            found = next_on(weekly, at)
        case Gate.QUIET_HOURS:
            found = quiet_until(about, at)
        case Gate.WORKING_HOURS:
            found = about.works_from
        case Gate.CAP | Gate.CLASS_CAP | Gate.PLACE_CAP if cap is not None:
            found = room_at(told, cap)
        case _:
            return None
    return found.astimezone(UTC) if found is not None and found > at else None


def quiet_until(about: Circumstances, at: datetime) -> datetime | None:
    """Return when the quiet hours end that a person has at an instant, by the clock they live by.

    An end that the clock skips in spring has come when the clock has gone forward; of one that
    comes twice in autumn, the first counts.
    """
    quiet_from, end, zone = about.quiet_from, about.quiet_until, ZoneInfo(about.time_zone)
    if quiet_from is None or end is None:
        return None
    return next_when(
        lambda then: not within(then.astimezone(zone).time(), quiet_from, end),
        [end],
        zone=zone,
        after=at,
        days=2,
    )


def room_at(told: Sequence[datetime], cap: Cap) -> datetime | None:
    """Return when a person who was told as much as they may has been told less than that."""
    if len(told) < cap.messages:
        return None
    return sorted(told)[-cap.messages] + cap.within


def last_moment(
    *,
    held_at: datetime,
    listing_ends_at: datetime | None,
    campaign_ends_at: datetime | None,
    limits: Limits,
) -> datetime:
    """Return before when a message has to be sent that was first held back at an instant."""
    ends = [held_at + limits.longest_wait, listing_ends_at, campaign_ends_at]
    return min(one for one in ends if one is not None)


def why_irrelevant(
    *,
    taken_back: bool,
    stopped: bool,
    waited_out: bool,
    ends: Sequence[datetime | None],
    listens: bool,
    hears: bool,
    has_left: bool,
    at: datetime,
) -> str | None:
    """Return why nobody would tell any more what had been held back, in a sentence, if so.

    Args:
        taken_back: Whether the visit or check-in it came of never was, as is known by now.
        stopped: Whether the run it came of was stopped.
        waited_out: Whether it has waited for as long as anything may.
        ends: When the campaign ends or was ended.
        listens: Whether the campaign is still for the place.
        hears: Whether it is still for the person.
        has_left: Whether it is for those at the place alone, and the person is not.
        at: Now.
    """
    reasons = (
        (taken_back, "What it came of was taken back."),
        (stopped, "The run was stopped."),
        (any(end is not None and end <= at for end in ends), "The campaign has ended."),
        (waited_out, "It had waited for too long."),
        (not listens, "The campaign is not for the place any more."),
        (not hears, "The campaign is not for the person any more."),
        (has_left, "The person was not there any more."),
    )
    return next((words for is_so, words in reasons if is_so), None)
