"""What speaks against a campaign's triggers, and what they bring for its words to speak of."""

from collections.abc import Iterator
from typing import Final

from geoservices.accounts.service import TimeZoneUnknown, check_time_zone
from geoservices.calendars.recurrence import RecurrenceRefused
from geoservices.campaigns import timetables
from geoservices.campaigns.definitions import AfterHolding, Timetable
from geoservices.campaigns.drafts import Draft
from geoservices.campaigns.rules import BY_LISTINGS, BY_RUNS, Trigger
from geoservices.campaigns.wording import Figures
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.instants import LATEST, is_plannable

LONGEST_TITLE_OF_LISTINGS: Final = 120


class ScheduleRefused(GeoservicesError):
    """The schedule contradicts itself."""

    kind = ErrorKind.INVALID
    code = "schedule-refused"
    title = "The schedule cannot be used"


class TimetableRefused(GeoservicesError):
    """The timetable does not go with the rest, or never ends."""

    kind = ErrorKind.INVALID
    code = "timetable-refused"
    title = "The timetable cannot be used"


class PlacesMissing(GeoservicesError):
    """There is neither a place nor a listing, and a trigger needs to know where."""

    kind = ErrorKind.INVALID
    code = "places-missing"
    title = "Nobody says where"

    def __init__(self, trigger: Trigger) -> None:
        super().__init__(
            f"The trigger {trigger} is about places. Name some, or name a listing and it is about "
            "that one's place.",
            field="/places",
        )


class ReleaseRefused(GeoservicesError):
    """It is to be released to whoever is there, and a run of it may be about no place."""

    kind = ErrorKind.INVALID
    code = "release-refused"
    title = "There may be no place to be at"

    def __init__(self) -> None:
        super().__init__(
            "A run of it would be about no place, so nobody could be there when it is released. "
            "Say release, or have `places` name one place by its id and nothing else.",
            field="/after_holding",
        )


def faults_of_triggers(draft: Draft) -> Iterator[GeoservicesError]:
    """Find what is missing for a draft's triggers, or is there without one."""
    definition = draft.said.definition
    if draft.listing is None and definition.places is None:
        wanting = [one for one in definition.triggers if one not in BY_RUNS - BY_LISTINGS]
        yield from map(PlacesMissing, wanting[:1])
    if definition.after_holding is AfterHolding.RELEASE_IF_THERE and not is_about_a_place(draft):
        yield ReleaseRefused()
    scheduled = Trigger.SCHEDULE in definition.triggers
    if definition.timetable is None and scheduled:
        yield TimetableRefused("Say when it runs, or leave out the trigger.", field="/timetable")
    if definition.timetable is not None and not scheduled:
        yield TimetableRefused("Leave it out, or add the trigger schedule.", field="/timetable")
    if definition.timetable is not None:
        yield from _faults_of_timetable(definition.timetable, draft)


def is_about_a_place(draft: Draft) -> bool:
    """Tell whether there is a place that a draft is about, whichever trigger sets it off."""
    definition = draft.said.definition
    if draft.listing is not None or definition.only_place is not None:
        return True
    return (BY_RUNS - BY_LISTINGS).isdisjoint(definition.triggers)


def longest_figures(draft: Draft, *, longest_name: int) -> Figures:
    """Return the longest that can stand in place of a draft's placeholders.

    Where nothing does for one of its triggers, nothing does.

    Args:
        draft: What is said.
        longest_name: How many characters the longest name has of its places.
    """
    triggers, listing = set(draft.said.definition.triggers), draft.listing
    brought = triggers <= BY_LISTINGS
    title = "n" * LONGEST_TITLE_OF_LISTINGS if triggers & BY_LISTINGS else ""
    longest = max(title, listing.title if listing else "", key=len)
    starts_at = listing.starts_at if listing else LATEST
    return Figures(
        place="n" * longest_name if is_about_a_place(draft) else None,
        listing=longest if listing is not None or brought else None,
        organisation=draft.organisation.name,
        starts_at=starts_at,
        ends_at=listing.ends_at if listing else LATEST,
        time_zone=draft.organisation.time_zone,
    )


def _faults_of_timetable(timetable: Timetable, draft: Draft) -> Iterator[GeoservicesError]:
    if not is_plannable(timetable.starts_at):
        yield TimetableRefused("It begins between 1970 and 2200.", field="/timetable/starts_at")
        return
    try:
        if timetable.time_zone is not None:
            check_time_zone(timetable.time_zone)
        ends = timetables.check(
            timetable, time_zone=draft.organisation.time_zone, field="/timetable/rule"
        )
    except TimeZoneUnknown as unknown:
        yield TimetableRefused(str(unknown), field="/timetable/time_zone")
    except RecurrenceRefused as refused:
        yield refused
    else:
        if not ends and draft.said.definition.schedule.ends_at is None:
            yield TimetableRefused(
                "The rule never ends. Give it an UNTIL or a COUNT, or give the campaign an end "
                "(`ends_at` of its schedule).",
                field="/timetable/rule",
            )
