"""What speaks against a campaign: against storing it, and against publishing it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final, ParamSpec

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts.service import check_time_zone
from geoservices.campaigns import place_queries, windows
from geoservices.campaigns.addressing import (
    caught,
    faults_of_audience,
    faults_of_memory,
    kept_of,
)
from geoservices.campaigns.definitions import Definition, PlaceSet
from geoservices.campaigns.drafts import Draft
from geoservices.campaigns.estimating import Estimate
from geoservices.campaigns.goals import faults_of_goal
from geoservices.campaigns.paces import faults_of_pace
from geoservices.campaigns.speaking import weekly_of
from geoservices.campaigns.subjects import faults_of_listing
from geoservices.campaigns.triggering import (
    ScheduleRefused,
    faults_of_triggers,
    longest_figures,
)
from geoservices.campaigns.wording import check_variant
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.geometry.areas import read_area
from geoservices.settings.service import Settings

P = ParamSpec("P")
MOST_VERTICES: Final = 2_000
"""Of an area; a council's outline has fewer once it is drawn for a map."""
NEVER_ENDS: Final = timedelta(days=366)


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


def faults(session: Session, draft: Draft, grant: Grant) -> Iterator[GeoservicesError]:
    """Find what may not be stored, in the order of the document."""
    definition = draft.said.definition
    yield from faults_of_triggers(draft)
    yield from faults_of_audience(session, draft, grant)
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
    settings: Settings,
    at: datetime,
) -> Iterator[GeoservicesError]:
    """Find what may be stored and not published.

    Args:
        session: The transaction.
        draft: What is to be published.
        grant: By whom.
        estimate: Says what it would send.
        settings: The service's: how long what people do is kept.
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
    yield from faults_of_memory(definition.audience, kept_of(settings.retention))
    if until <= from_ or not windows.is_ever_on(weekly, from_, until):
        yield ScheduleNeverOn()
    else:
        yield from faults_of_listing(session, draft, from_=from_, at=at)
    yield from faults_of_pace(session, draft, grant, estimate=estimate, at=at)


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
        for refused in caught(read_area, dict(places.area), max_vertices=MOST_VERTICES):
            yield PlaceSetRefused(str(refused), field="/places/area")


def _faults_of_schedule(definition: Definition) -> Iterator[GeoservicesError]:
    schedule = definition.schedule
    if schedule.time_zone is not None:
        for unknown in caught(check_time_zone, schedule.time_zone):
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
        yield from caught(
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
