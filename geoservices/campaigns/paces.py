"""How often a campaign could tell somebody who does nothing for it, and when that is too often."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.access.rights import Role
from geoservices.campaigns import place_queries
from geoservices.campaigns.cooldowns import CooldownPer
from geoservices.campaigns.definitions import Definition
from geoservices.campaigns.drafts import Draft
from geoservices.campaigns.estimating import Estimate, in_words
from geoservices.campaigns.rules import BY_LISTINGS, BY_RUNS, Trigger
from geoservices.campaigns.timetables import shortest_gap
from geoservices.errors import ErrorKind, GeoservicesError

LEAST_PACE: Final = timedelta(hours=1)
"""Nobody who does nothing for it is told the same more often than this."""
NEVER_AGAIN: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much time one trigger leaves between two messages to one person, at least.

    A cooldown begins anew at each of the places that are `apart`.
    """

    trigger: Trigger
    length: timedelta
    apart: int

    @property
    def is_too_fast(self) -> bool:
        """Whether it is more often than anybody is told who does nothing for it."""
        # Nobody passes by every hour, but a timetable has no day off.
        if self.trigger is Trigger.SCHEDULE:
            return self.length <= LEAST_PACE
        return self.length < LEAST_PACE

    def in_words(self) -> str:
        """Return how often it tells."""
        minutes = self.length.total_seconds() / 60
        return f"every {minutes:.3g} minutes" if minutes else "again and again"


class TellsTooOften(GeoservicesError):
    """Whoever does nothing for it would be told the same every hour, or more often."""

    kind = ErrorKind.INVALID
    code = "tells-too-often"
    title = "It would tell the same people too often"

    def __init__(self, pace: Pace, estimate: Estimate) -> None:
        apart = pace.apart
        going = f" from one to the next of {apart} places that each wait alone" * (apart > 1)
        longer = (
            "a longer cooldown, or one per campaign"
            if apart > 1
            else "a cooldown of an hour or more"
        )
        if pace.trigger is Trigger.SCHEDULE:
            longer = "fewer runs, a cooldown of more than an hour"
        super().__init__(
            f"It could tell somebody who does nothing for it{going} {pace.in_words()}. By what "
            f"people did in the last week it would have sent: {in_words(estimate)} Set {longer}, "
            "or a cap of no more than one message an hour, such as 3 within P1D.",
            field="/cooldown",
        )


def faults_of_pace(
    session: Session,
    draft: Draft,
    grant: Grant,
    *,
    estimate: Callable[[], Estimate],
    at: datetime,
) -> Iterator[TellsTooOften]:
    """Find whether it would tell somebody too often who does nothing for it, and whom nobody named.

    Args:
        session: The transaction.
        draft: What is to be published.
        grant: By whom.
        estimate: Says what it would send.
        at: Now.
    """
    if _is_for_some_members(draft.said.definition):
        return
    pace = _too_fast(draft, apart=_apart(session, draft.said.definition, grant), at=at)
    if pace is not None:
        yield TellsTooOften(pace, estimate())


def pace_of_some(draft: Draft, *, at: datetime) -> Pace | None:
    """Return how often a timetable tells teams, or who has a skill, if that is hourly or more.

    Who is named may have such work: rounds of a pool are made every hour.
    """
    return _too_fast(draft, apart=1, at=at) if _is_for_some_members(draft.said.definition) else None


def paces_of(definition: Definition, *, gap: timedelta | None, apart: int) -> Iterator[Pace]:
    """Return how often each trigger could tell somebody who does nothing for it.

    A check-in is somebody's own act, and staff come to many places in an hour: of what tells them
    only a timetable counts. Each trigger counts by itself, as people may meet that one alone.

    Args:
        definition: The campaign's.
        gap: Between two runs of its timetable, at least; None if there are no two.
        apart: At how many places its cooldown counts by itself.
    """
    cap = definition.cap
    capped = cap.within / cap.messages if cap else timedelta(0)
    citizens = Role.CITIZEN in definition.audience.roles
    for trigger in definition.triggers:
        # Such a run is about one place, or about none.
        places = 1 if trigger in BY_RUNS - BY_LISTINGS else apart
        waits = max(definition.cooldown / places, capped)
        if trigger is Trigger.SCHEDULE:
            length = max(waits, gap or NEVER_AGAIN)
            yield Pace(trigger=trigger, length=length, apart=places)
        elif citizens and trigger is not Trigger.CHECKED_IN:
            yield Pace(trigger=trigger, length=waits, apart=places)


def _too_fast(draft: Draft, *, apart: int, at: datetime) -> Pace | None:
    definition = draft.said.definition
    gap = shortest_gap(definition, time_zone=draft.organisation.time_zone, after=at)
    found = [one for one in paces_of(definition, gap=gap, apart=apart) if one.is_too_fast]
    return min(found, key=lambda one: one.length, default=None)


def _is_for_some_members(definition: Definition) -> bool:
    audience = definition.audience
    return Role.CITIZEN not in audience.roles and bool(audience.team_ids or audience.skills)


def _apart(session: Session, definition: Definition, grant: Grant) -> int:
    """Return at how many places a cooldown counts by itself; as there are now."""
    if definition.places is None or definition.cooldown_per is CooldownPer.CAMPAIGN:
        return 1
    together = definition.cooldown_per is CooldownPer.PARENT_PLACE
    found = place_queries.count_apart(session, definition.places, grant, together=together)
    return max(found, 1)
