"""Tasks that come again by a rule: their series, and each occurrence made when its time comes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.accounts.service import check_time_zone
from geoservices.calendars.recurrence import (
    RecurrenceRefused,
    Series,
    check_series,
    last_end,
    last_start,
    next_after,
    read_rule,
)
from geoservices.checkins.verification import Evidence
from geoservices.errors import ErrorKind, GeoservicesError, IdTaken, NotFound
from geoservices.instants import MICROSECOND
from geoservices.listings.drafts import check_years
from geoservices.listings.models import ListingKind
from geoservices.places import access_queries
from geoservices.places import service as places
from geoservices.places.models import Place
from geoservices.tasks import doing
from geoservices.tasks import series_queries as queries
from geoservices.tasks.assigning import check_assignment
from geoservices.tasks.drafts import TaskDraft
from geoservices.tasks.models import Escalation, Priority, Task, TaskSeries
from geoservices.tasks.queries import add_step
from geoservices.tasks.states import Standing, StepKind, TaskState
from geoservices.tasks.stepping import Held

LONGEST: Final = timedelta(days=366)
"""The longest that one occurrence lasts, or takes until it is due."""
ENDED: Final = "The series ended."
LEFT: Final = "Whom it was for does the organisation's work no more."


class SeriesRefused(GeoservicesError):
    """What is said of the series does not go together."""

    kind = ErrorKind.INVALID
    code = "series-refused"
    title = "The series is not valid"


class SeriesOver(GeoservicesError):
    """The series has ended; nothing was changed."""

    kind = ErrorKind.CONFLICT
    code = "series-over"
    title = "The series has ended"

    def __init__(self) -> None:
        super().__init__("It was ended, and does not begin again. Make another series.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesDraft:
    """What is said of a series; `TaskSeries` explains it. Without a time zone it is the place's."""

    place_id: UUID
    title: str
    text: str = ""
    evidence_needed: str = Evidence.SELF_DECLARED
    priority: str = Priority.NORMAL
    assigned_to: UUID | None = None
    team_id: UUID | None = None
    skill: str | None = None
    escalate_to: str = Escalation.TEAM_LEAD
    checklist: list[dict[str, str]] = field(default_factory=list)
    starts_at: datetime
    rule: str
    time_zone: str | None = None
    due_after: timedelta | None = None
    lasts: timedelta | None = None
    overlapping: bool = False

    def settled(self, place: Place) -> "SeriesDraft":
        """Return it with its time zone and its rule in one form, if it can be followed.

        Raises:
            YearRefused: It begins in another age.
            TimeZoneUnknown: There is no such zone.
            RecurrenceRefused: Its rule cannot be followed from its first start, or never ends.
            SeriesRefused: What is said does not go together.
            ChecklistRefused: Two items of the checklist have the same id.
            AssignedTwice: It is for a person, a team and a skill, or two of these.
        """
        check_years(starts_at=self.starts_at)
        zone = self.time_zone or place.time_zone
        check_time_zone(zone)
        settled = replace(self, time_zone=zone, rule=read_rule(self.rule, field="/rule"))
        followed = times_of(asdict(settled))
        check_series(field="/rule", **followed)
        if last_end(**followed) is None:
            raise RecurrenceRefused(
                "The rule never ends. Give UNTIL or COUNT, such as UNTIL=20291231; sent again with "
                "a later one, the series goes on.",
                field="/rule",
            )
        for name in ("due_after", "lasts"):
            length = getattr(self, name)
            if length is not None and not timedelta(0) < length <= LONGEST:
                raise SeriesRefused(
                    f"{name} is more than nothing, and {LONGEST.days} days at most.",
                    field=f"/{name}",
                )
        if self.due_after and self.lasts and self.due_after > self.lasts:
            raise SeriesRefused(
                "Each occurrence would be due after its end. Give a shorter due_after.",
                field="/due_after",
            )
        occurrence(asdict(settled), self.starts_at).check()
        return settled


def times_of(said: Mapping[str, Any]) -> Series:
    """Return when what is said of a series takes place."""
    return Series(
        starts_at=said["starts_at"],
        length=timedelta(0),
        rule=said["rule"],
        time_zone=said["time_zone"],
    )


def occurrence(said: Mapping[str, Any], starts_at: datetime) -> TaskDraft:
    """Return the task that a series says for one of its starts, with nothing ticked."""
    due_after, lasts = said["due_after"], said["lasts"]
    return TaskDraft(
        kind=ListingKind.TASK,
        starts_at=starts_at,
        due_at=due_after and starts_at + due_after,
        ends_at=lasts and starts_at + lasts,
        **{name: said[name] for name in OF_EACH},
    )


OF_EACH: Final = (
    *("place_id", "title", "text", "evidence_needed", "priority", "assigned_to", "team_id"),
    *("skill", "escalate_to", "checklist"),
)
"""What every occurrence has of its series as it is."""


def publish_series(
    session: Session,
    draft: SeriesDraft,
    *,
    series_id: UUID | None = None,
    external_id: str | None = None,
    grant: Grant,
    at: datetime,
) -> tuple[TaskSeries, bool]:
    """Store a series; the same id and content again changes nothing.

    Of occurrences that began before, the latest alone is made.

    Returns:
        The series, and whether it was made just now.

    Raises:
        NotFound: The place is neither the organisation's nor shared with it, or out of reach; or
            there is no such member or team.
        IdTaken: The id belongs to a series with other content.
        YearRefused, RecurrenceRefused, TimeZoneUnknown, SeriesRefused, ChecklistRefused,
            AssignedTwice: As `SeriesDraft.settled` has it.
    """
    settled = _checked(session, draft, grant)
    said = asdict(settled)
    first = settled.starts_at - MICROSECOND
    begun = last_start(after=first, until=at, **times_of(said))
    made_until = first if begun is None else begun - MICROSECOND
    series = TaskSeries(
        id=series_id or uuid4(),
        organisation_id=grant.organisation_id,
        external_id=external_id,
        created_at=at,
        made_until=made_until,
        next_at=_next(said, made_until),
        **said,
    )
    made = queries.insert_if_new(session, series)
    known = queries.series(session, grant.organisation_id, series.id)
    if known is None or differing(known, settled):
        raise IdTaken("series")
    return known, made


def replace_series(
    session: Session, series_id: UUID, draft: SeriesDraft, *, grant: Grant
) -> TaskSeries:
    """Say something else of a series, for the occurrences that are made from now on.

    Raises:
        NotFound: There is no such series, place, member or team of the organisation's.
        SeriesOver: It has ended.
        YearRefused, RecurrenceRefused, TimeZoneUnknown, SeriesRefused, ChecklistRefused,
            AssignedTwice: As `SeriesDraft.settled` has it.
    """
    series = get_series(session, series_id, grant=grant, hold=True)
    settled = _checked(session, draft, grant)
    if series.ended_at is not None:
        raise SeriesOver
    for name, value in differing(series, settled).items():
        setattr(series, name, value)
    series.next_at = _next(asdict(settled), series.made_until)
    session.flush()
    return series


def end_series(
    session: Session, series_id: UUID, *, grant: Grant, at: datetime
) -> tuple[TaskSeries, Sequence[Held]]:
    """Have nothing more made of a series, and cancel what of it nobody has; again changes nothing.

    Whoever has an occurrence finishes it.

    Returns:
        The series, and the occurrences that were cancelled.

    Raises:
        NotFound: There is no such series of the organisation's within reach.
    """
    series = get_series(session, series_id, grant=grant, hold=True)
    cancelled: list[Held] = []
    if series.ended_at is None:
        series.ended_at, series.next_at = at, None
        session.flush()
        cancelled = [
            doing.cancel(session, task_id, note=ENDED, grant=grant, at=at)
            for task_id in queries.waiting_occurrences(session, series.id, at=at)
        ]
    return series, cancelled


def get_series(
    session: Session, series_id: UUID, *, grant: Grant, hold: bool = False
) -> TaskSeries:
    """Return one of the organisation's series; with `hold`, nobody else changes it meanwhile.

    Raises:
        NotFound: There is none, or it is another organisation's, or out of reach.
    """
    series = queries.series(session, grant.organisation_id, series_id, hold=hold)
    if series is None:
        raise NotFound("series")
    places.check_reach(session, series.place_id, grant, "series")
    return series


def make_due(session: Session, *, at: datetime, limit: int) -> tuple[int, Sequence[Task]]:
    """Make the occurrences whose time has come, one of each series at most.

    Of several that were missed the latest is made, unless it is over already. Where one is
    unfinished, the next waits until it is not. Running it twice makes nothing twice.

    Returns:
        How many series were looked at, and the tasks.
    """
    found = queries.due(session, at=at, limit=limit)
    made = [task for series in found if (task := _make(session, series, at=at)) is not None]
    session.flush()
    return len(found), made


def hand_back(session: Session, *, at: datetime, limit: int) -> Sequence[Task]:
    """Let whoever comes by do what is for members alone who do the organisation's work no more.

    That is, what is unfinished and nobody has, and what comes after it of its series. Running it
    twice changes nothing.

    Returns:
        The tasks that were handed back, up to so many.
    """
    series = {one.id: one for one in queries.of_who_left(session, at=at, limit=limit)}
    left = queries.left(session, series, at=at, limit=limit)
    for task in left:
        came_of = series[task.series_id] if task.series_id else None
        if came_of is not None and came_of.assigned_to == task.assigned_to:
            came_of.assigned_to = None
        task.assigned_to, task.told_at, task.state = None, at, TaskState.OPEN
        add_step(
            session,
            {
                "id": uuid4(),
                "organisation_id": task.organisation_id,
                "task_id": task.id,
                "person_id": None,
                "by": Standing.CLOCK,
                "kind": StepKind.ASSIGN,
                "state": TaskState.OPEN,
                "note": LEFT,
                "ticked": list(task.ticked),
                "evidence": None,
                "occurred_at": at,
                "received_at": at,
            },
        )
    return left


def differing(series: TaskSeries, draft: SeriesDraft) -> dict[str, Any]:
    """Return what a draft says that a series does not."""
    return {name: value for name, value in asdict(draft).items() if getattr(series, name) != value}


def as_said(series: TaskSeries) -> dict[str, Any]:
    """Return what is said of a series, by the names of `SeriesDraft`."""
    return {name: getattr(series, name) for name in SeriesDraft.__dataclass_fields__}


def _make(session: Session, series: TaskSeries, *, at: datetime) -> Task | None:
    said = as_said(series)
    start = last_start(after=series.made_until, until=at, **times_of(said))
    if start is None:
        return None
    place = session.get_one(Place, series.place_id)
    if place.organisation_id != series.organisation_id and not access_queries.hold_share(
        session, place.id, series.organisation_id
    ):
        series.ended_at, series.next_at = at, None
        return None
    series.made_until = start
    series.next_at = _next(said, start)
    draft = occurrence(said, start)
    if draft.ends_at is not None and draft.ends_at <= at:
        return None
    task = Task(
        id=uuid4(),
        organisation_id=series.organisation_id,
        created_at=at,
        series_id=series.id,
        occurs_at=start,
        **asdict(draft),
    )
    session.add(task)
    return task


def _next(said: Mapping[str, Any], after: datetime) -> datetime | None:
    following = next_after(after, **times_of(said))
    return None if following is None else following.starts_at


def _checked(session: Session, draft: SeriesDraft, grant: Grant) -> SeriesDraft:
    settled = draft.settled(places.get_place_for(session, draft.place_id, grant))
    check_assignment(
        session, occurrence(asdict(settled), draft.starts_at).assignment, grant.organisation_id
    )
    return settled
