"""What speaks against a campaign: against storing it, and against publishing it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, ParamSpec

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.access.rights import Role
from geoservices.accounts.consents import TELLING, TEXTS, TOLD_ANYWHERE
from geoservices.accounts.models import Purpose
from geoservices.accounts.service import check_time_zone
from geoservices.campaigns import place_queries, queries, windows
from geoservices.campaigns.cooldowns import CooldownPer
from geoservices.campaigns.definitions import Definition, PlaceSet
from geoservices.campaigns.drafts import Draft
from geoservices.campaigns.estimating import Estimate, in_words
from geoservices.campaigns.goals import faults_of_goal
from geoservices.campaigns.reaching import people_of_a_run
from geoservices.campaigns.rules import BY_RUNS, Trigger
from geoservices.campaigns.speaking import weekly_of
from geoservices.campaigns.triggering import (
    ScheduleRefused,
    faults_of_triggers,
    is_about_a_place,
    longest_figures,
)
from geoservices.campaigns.wording import check_variant
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.geometry.areas import read_area
from geoservices.languages import normal_language
from geoservices.listings.models import ListingKind

P = ParamSpec("P")
MOST_VERTICES: Final = 2_000
"""Of an area; a council's outline has fewer once it is drawn for a map."""
LEAST_PACE: Final = timedelta(hours=1)
"""Nobody who only passes by is told the same more often than this."""
NEVER_ENDS: Final = timedelta(days=366)


class PurposeNotForAudience(GeoservicesError):
    """The campaign could never speak: its audience cannot agree to that for its purpose."""

    kind = ErrorKind.INVALID
    code = "purpose-not-for-audience"
    title = "The audience cannot agree to the purpose"

    def __init__(self, *, purpose: str, audience: str, trigger: str | None = None) -> None:
        never = f"The purpose {purpose} is never asked of the audience {audience}"
        if trigger is not None:
            never += f" for what the trigger {trigger} tells, wherever they are; nearby is"
        super().__init__(f"{never}.", field="/purpose")


class TaskNotForCitizens(GeoservicesError):
    """It speaks of tasks, and tasks are for staff."""

    kind = ErrorKind.INVALID
    code = "task-not-for-citizens"
    title = "A task is not for citizens"

    def __init__(self) -> None:
        super().__init__(
            "It speaks of a task. Address the campaign to the audience staff.",
            field="/audience/roles",
        )


class AudienceContradictory(GeoservicesError):
    """Nobody could be all that the audience asks for."""

    kind = ErrorKind.INVALID
    code = "audience-contradictory"
    title = "Nobody can be all of this"


class PlaceSetRefused(GeoservicesError):
    """The place set names what there is not."""

    kind = ErrorKind.INVALID
    code = "place-set-refused"
    title = "The places cannot be used"


class PlaceSetEmpty(GeoservicesError):
    """No place is in the place set."""

    kind = ErrorKind.INVALID
    code = "place-set-empty"
    title = "There is no such place"

    def __init__(self) -> None:
        super().__init__(
            "No place of yours, or shared with you, is in it. Name others, or tag some.",
            field="/places",
        )


class VariantsAlike(GeoservicesError):
    """Two variants have the same name."""

    kind = ErrorKind.INVALID
    code = "variants-alike"
    title = "Two variants have one name"

    def __init__(self, name: str) -> None:
        super().__init__(f"Call one of them something else than “{name}”.", field="/content")


class ScheduleNeverOn(GeoservicesError):
    """The campaign would never speak again."""

    kind = ErrorKind.INVALID
    code = "schedule-never-on"
    title = "It would never be on"

    def __init__(self) -> None:
        super().__init__(
            "Its end has passed, or no weekly window lies between its beginning and its end.",
            field="/schedule",
        )


class TellsTooOften(GeoservicesError):
    """Whoever does nothing for it would be told the same every hour, or more often."""

    kind = ErrorKind.INVALID
    code = "tells-too-often"
    title = "It would tell the same people too often"

    def __init__(
        self, pace: timedelta, estimate: Estimate, *, apart: int, a_run: str | None
    ) -> None:
        minutes = pace.total_seconds() / 60
        often = f"every {minutes:.3g} minutes" if minutes else "again and again"
        going = f" from one to the next of {apart} places that each wait alone" * (apart > 1)
        longer = (
            "a longer cooldown, or one per campaign"
            if apart > 1
            else "a cooldown of an hour or more"
        )
        each = f" Each of its runs would tell {a_run}." if a_run else ""
        super().__init__(
            f"It could tell somebody who does nothing for it{going} {often}. By what people did in "
            f"the last week it would have sent {in_words(estimate)} a day.{each} Set {longer}, or "
            "a cap of no more than one message an hour, such as 3 within P1D.",
            field="/cooldown",
        )


def faults(session: Session, draft: Draft, grant: Grant) -> Iterator[GeoservicesError]:
    """Find what may not be stored, in the order of the document."""
    definition = draft.said.definition
    yield from faults_of_triggers(draft)
    yield from _faults_of_audience(session, draft, grant)
    if definition.places is not None:
        yield from _faults_of_places(session, definition.places, grant)
    yield from _faults_of_schedule(definition)
    yield from _faults_of_content(session, draft, grant)
    yield from faults_of_goal(draft)


def obstacles(
    session: Session,
    draft: Draft,
    grant: Grant,
    *,
    estimate: Callable[[], Estimate],
    smallest: int,
    at: datetime,
) -> Iterator[GeoservicesError]:
    """Find what may be stored and not published.

    Args:
        session: The transaction.
        draft: What is to be published.
        grant: By whom.
        estimate: Says what it would send.
        smallest: Of fewer people than this nothing is told.
        at: Now.
    """
    definition = draft.said.definition
    if definition.places is not None:
        count, _ = place_queries.count_and_longest_name(session, definition.places, grant)
        if not count:
            yield PlaceSetEmpty()
    from_ = max(definition.schedule.starts_at or at, at)
    until = definition.schedule.ends_at or from_ + NEVER_ENDS
    weekly = weekly_of(definition, draft.organisation)
    if until <= from_ or not windows.is_ever_on(weekly, from_, until):
        yield ScheduleNeverOn()
    apart = _apart(session, definition, grant)
    if (pace := pace_of(definition, apart=apart)) is not None and pace < LEAST_PACE:
        runs = not BY_RUNS.isdisjoint(definition.triggers)
        a_run = people_of_a_run(session, draft, smallest=smallest) if runs else None
        yield TellsTooOften(pace, estimate(), apart=apart, a_run=a_run)


def pace_of(definition: Definition, *, apart: int) -> timedelta | None:
    """Return how often it could tell a citizen who does nothing for it; None if it tells none.

    A check-in is somebody's own act, and staff come to many places in an hour. At each of the
    places that are `apart` the cooldown begins anew, so within one it could tell so many times.
    """
    passive = set(definition.triggers) - {Trigger.CHECKED_IN}
    if not passive or Role.CITIZEN not in definition.audience.roles:
        return None
    cap = definition.cap
    return max(definition.cooldown / apart, cap.within / cap.messages if cap else timedelta(0))


def _apart(session: Session, definition: Definition, grant: Grant) -> int:
    """Return at how many places a cooldown counts by itself; as there are now."""
    if definition.places is None or definition.cooldown_per is CooldownPer.CAMPAIGN:
        return 1
    together = definition.cooldown_per is CooldownPer.PARENT_PLACE
    found = place_queries.count_apart(session, definition.places, grant, together=together)
    return max(found, 1)


def _faults_of_purpose(definition: Definition, purpose: Purpose) -> Iterator[GeoservicesError]:
    anywhere = purpose in {of for of, _version in TOLD_ANYWHERE}
    of_runs = next((one for one in definition.triggers if one in BY_RUNS), None)
    for role in definition.audience.roles:
        if purpose not in TELLING or role not in TEXTS[purpose].roles:
            yield PurposeNotForAudience(purpose=purpose, audience=role)
        elif role is Role.CITIZEN and of_runs is not None and not anywhere:
            yield PurposeNotForAudience(purpose=purpose, audience=role, trigger=of_runs)


def _faults_of_audience(session: Session, draft: Draft, grant: Grant) -> Iterator[GeoservicesError]:
    audience, purpose = draft.said.definition.audience, Purpose(draft.said.purpose)
    of_tasks = draft.listing is not None and draft.listing.kind == ListingKind.TASK
    of_tasks = of_tasks or Trigger.TASK_CREATED in draft.said.definition.triggers
    if of_tasks and Role.CITIZEN in audience.roles:
        yield TaskNotForCitizens()
    yield from _faults_of_purpose(draft.said.definition, purpose)
    if audience.team_ids and Role.CITIZEN in audience.roles:
        yield AudienceContradictory(
            "Citizens are in no team. Leave out the role citizen, or the teams.",
            field="/audience/team_ids",
        )
    if audience.skills and Role.CITIZEN in audience.roles:
        yield AudienceContradictory(
            "Citizens have no skills here. Leave out the role citizen, or the skills.",
            field="/audience/skills",
        )
    if audience.visited is not None and not is_about_a_place(draft):
        yield AudienceContradictory(
            "A run of it would be about no place, where everybody is new. Leave out `visited`, or "
            "have `places` name one place by its id and nothing else.",
            field="/audience/visited",
        )
    known = queries.found_teams(session, audience.team_ids, grant.organisation_id)
    for number, team_id in enumerate(audience.team_ids):
        if team_id not in known:
            yield AudienceContradictory(
                "Your organisation has no such team.", field=f"/audience/team_ids/{number}"
            )
    for number, language in enumerate(audience.languages):
        yield from _caught(normal_language, language, field=f"/audience/languages/{number}")


def _faults_of_places(
    session: Session, places: PlaceSet, grant: Grant
) -> Iterator[GeoservicesError]:
    known = place_queries.found(session, places.ids, grant)
    for number, place_id in enumerate(places.ids):
        if place_id not in known:
            yield PlaceSetRefused(
                "There is no such place, or it is not yours to tell people of.",
                field=f"/places/ids/{number}",
            )
    if not any((places.ids, places.tags, places.categories, places.area, places.circle)):
        yield PlaceSetRefused(
            "Name places, tags, categories, an area or a circle; or leave `places` out, and it is "
            "the listing's place.",
            field="/places",
        )
    if places.area is not None:
        if places.area.get("type") == "Point":
            yield PlaceSetRefused(
                "An area is a Polygon or a MultiPolygon; for a Point there is `circle`.",
                field="/places/area/type",
            )
            return
        for refused in _caught(read_area, dict(places.area), max_vertices=MOST_VERTICES):
            yield PlaceSetRefused(str(refused), field="/places/area")


def _faults_of_schedule(definition: Definition) -> Iterator[GeoservicesError]:
    schedule = definition.schedule
    if schedule.time_zone is not None:
        for unknown in _caught(check_time_zone, schedule.time_zone):
            yield ScheduleRefused(str(unknown), field="/schedule/time_zone")
    if schedule.starts_at and schedule.ends_at and schedule.ends_at <= schedule.starts_at:
        yield ScheduleRefused("ends_at must come after starts_at.", field="/schedule/ends_at")


def _faults_of_content(session: Session, draft: Draft, grant: Grant) -> Iterator[GeoservicesError]:
    definition, organisation = draft.said.definition, draft.organisation
    names = [variant.name for variant in definition.content]
    if alike := [name for name in names if names.count(name) > 1]:
        yield VariantsAlike(alike[0])
    figures = longest_figures(draft, longest_name=longest_name(session, draft, grant))
    for number, variant in enumerate(definition.content):
        yield from _caught(
            check_variant,
            variant,
            figures,
            default=organisation.language,
            field=f"/content/{number}",
        )


def longest_name(session: Session, draft: Draft, grant: Grant) -> int:
    """Return how many characters the longest name has of the places that a draft is for."""
    _, longest = place_queries.count_and_longest_name(session, draft.places, grant)
    return longest


def _caught(
    check: Callable[P, object], *args: P.args, **named: P.kwargs
) -> Iterator[GeoservicesError]:
    try:
        check(*args, **named)
    except GeoservicesError as refused:
        yield refused
