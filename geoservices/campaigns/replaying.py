"""What a campaign would have decided on what was recorded, by the rules that decide live.

Whoever reads the records gives them here in the order in which they became known. Told are numbers
of people and of places alone; `replaying_counts` says what may be told of those.
"""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from geoservices.campaigns.audiences import APART, Listener, fits, is_held_out
from geoservices.campaigns.cooldowns import Spot
from geoservices.campaigns.pacing import Telling, last_told, told_by, told_by_campaign
from geoservices.campaigns.replayed import Note, Profile, Question, Recorded, Site
from geoservices.campaigns.rules import CampaignClass, Circumstances, Gate, Terms, decide
from geoservices.campaigns.terms import terms_of
from geoservices.places.hours import UNKNOWN, Hours, OpenState, hours_at

GATES: Final = tuple(Gate)
SENT: Final = len(GATES)
"""What stands in a tally in place of a gate's number where none held."""
WEEK: Final = timedelta(days=7)
QUARTER: Final = timedelta(minutes=15)
"""Clocks differ from UTC by whole quarters of an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was decided, by the numbers of people and places.

    `people` and `places` are theirs in the order of these numbers, with `profiles` and `names`.
    `looked` says how much of each person was looked at. Of each decision there are `decided`
    (whom) and `gates` (its number, or `SENT`), of each message `told` (whom), `where` and `hours`:
    the hour in which it went, counted from 1970 by the clocks on the wall.
    """

    people: Sequence[UUID]
    profiles: Sequence[Profile]
    places: Sequence[UUID]
    names: Sequence[str]
    looked: Sequence[int]
    decided: Sequence[int]
    gates: Sequence[int]
    told: Sequence[int]
    where: Sequence[int]
    hours: Sequence[int]


@dataclass(slots=True)
class _Someone:
    """What a replay remembers of somebody."""

    number: int
    profile: Profile
    fits: bool
    held_out: bool
    told: list[tuple[Telling, datetime | None]] = field(default_factory=list)
    """What they were told, the earliest first, and when the visit ends that was the cause."""
    came: dict[UUID, list[datetime]] = field(default_factory=dict)

    def recall(self, at: datetime, *, since: datetime) -> Sequence[Telling]:
        """Return what they were told since an instant, or because of visits that go on."""
        if not self.told:
            return ()
        self.told = [
            one
            for one in (_as_of(at, *told) for told in self.told)
            if one[0].told_at > since or one[0].visit_goes_on
        ]
        return [one for one, _left_at in self.told]


@dataclass(slots=True)
class _Somewhere:
    """A place, and what was last asked of it; it is asked anew when that may have changed."""

    number: int
    site: Site
    spot: Spot
    hours: Hours | None = None
    unclaimable: tuple[str | None, datetime] | None = None

    def hours_at(self, at: datetime) -> Hours:
        """Return whether it is open at an instant; these come in order."""
        known = self.hours
        if known is None or (known.changes_at is not None and known.changes_at <= at):
            site = self.site
            known = hours_at(site.opening_hours, time_zone=site.time_zone, at=at)
            self.hours = known
        return known

    def why_not(self, at: datetime) -> str | None:
        """Return why nobody could make use of what is spoken of at an instant."""
        if self.unclaimable is None or self.unclaimable[1] <= at:
            self.unclaimable = self.site.why_not(at)
        return self.unclaimable[0]


def _as_of(
    at: datetime, telling: Telling, left_at: datetime | None
) -> tuple[Telling, datetime | None]:
    if left_at is None or left_at > at:
        return telling, left_at
    return replace(telling, visit_goes_on=False), None


class Walk:
    """A replay under way: what it has seen so far, and remembers."""

    def __init__(self, question: Question) -> None:
        """Begin with nobody known.

        Args:
            question: What is replayed.
        """
        self._asked = question
        definition, limits = question.definition, question.limits
        self._terms: Mapping[str, Terms] = {
            trigger: terms_of(
                definition,
                trigger,
                campaign_class=question.campaign_class,
                purpose=question.purpose,
                weekly=question.weekly,
            )
            for trigger in definition.triggers
        }
        self._anybody = replace(definition.audience, visited=None)
        self._people: dict[UUID, _Someone] = {}
        self._places: dict[UUID, _Somewhere] = {}
        waits = [limits.longest, definition.cooldown]
        waits += [definition.cap.within] if definition.cap else []
        self._memory = max(waits)
        self._clock = _WallClock(ZoneInfo(question.time_zone))
        self._looked = array("I")
        self._decided, self._gates = array("I"), array("B")
        self._told, self._where, self._when = array("I"), array("I"), array("I")

    def unknown_people(self, recorded: Sequence[Recorded]) -> set[UUID]:
        """Return those of whom `meet` was not told yet."""
        return {one.person_id for one in recorded} - self._people.keys()

    def unknown_places(self, recorded: Sequence[Recorded]) -> set[UUID]:
        """Return those of which `see` was not told yet."""
        return {one.place_id for one in recorded} - self._places.keys()

    def meet(self, people: Mapping[UUID, Profile]) -> None:
        """Be told of people."""
        asked = self._asked
        audience, campaign_id = asked.definition.audience, asked.campaign_id
        for person_id, profile in people.items():
            self._people[person_id] = _Someone(
                number=len(self._people),
                profile=profile,
                fits=fits(
                    self._anybody,
                    _listener(person_id, profile, ()),
                    campaign_id=campaign_id,
                    occurred_at=datetime.min.replace(tzinfo=UTC),
                ),
                held_out=is_held_out(audience, campaign_id=campaign_id, person_id=person_id),
            )
            self._looked.append(0)

    def see(self, sites: Mapping[UUID, Site]) -> None:
        """Be told of places."""
        for place_id, site in sites.items():
            self._places[place_id] = _Somewhere(
                number=len(self._places),
                site=site,
                spot=Spot(place_id=place_id, parent_id=site.parent_id),
            )

    def follow(self, one: Recorded) -> None:
        """Look at what happened next, of a person and place that are known, and remember it."""
        someone = self._people[one.person_id]
        if one.kind == Note.TOLD:
            someone.told.append((_telling_of(one), None))
        elif one.kind == Note.CAME:
            someone.came.setdefault(one.place_id, []).append(one.occurred_at)
        else:
            self._looked[someone.number] += 1
            if self._hears(someone, one):
                self._decide(someone, self._places[one.place_id], one)

    def tally(self) -> Tally:
        """Return what was decided so far."""
        return Tally(
            people=list(self._people),
            profiles=[one.profile for one in self._people.values()],
            places=list(self._places),
            names=[one.site.name for one in self._places.values()],
            looked=self._looked,
            decided=self._decided,
            gates=self._gates,
            told=self._told,
            where=self._where,
            hours=self._when,
        )

    def _hears(self, someone: _Someone, one: Recorded) -> bool:
        audience = self._asked.definition.audience
        if not someone.fits or audience.visited is None:
            return someone.fits
        came = someone.came.get(one.place_id, [])
        # Of all that is long enough ago, the last tells as much as all before.
        while len(came) > 1 and came[1] <= one.occurred_at - APART:
            del came[0]
        return fits(
            audience,
            _listener(one.person_id, someone.profile, came),
            campaign_id=self._asked.campaign_id,
            occurred_at=one.occurred_at,
        )

    def _decide(self, someone: _Someone, there: _Somewhere, one: Recorded) -> None:
        about = self._circumstances(someone, there, one)
        terms = self._terms[one.kind]
        gate = decide(terms, about, limits=self._asked.limits, at=one.known_at).gate
        self._decided.append(someone.number)
        self._gates.append(_NUMBERS[gate])
        if gate is None:
            self._remember(someone, there, one)

    def _remember(self, someone: _Someone, there: _Somewhere, one: Recorded) -> None:
        asked, at = self._asked, one.known_at
        telling = Telling(
            person_id=one.person_id,
            campaign_id=asked.campaign_id,
            campaign_class=asked.campaign_class,
            spot=there.spot,
            told_at=at,
            visit_goes_on=one.subject_id is not None and (one.left_at is None or one.left_at > at),
        )
        someone.told.append((telling, one.left_at))
        self._told.append(someone.number)
        self._where.append(there.number)
        self._when.append(self._clock.hour_of(at))

    def _circumstances(self, someone: _Someone, there: _Somewhere, one: Recorded) -> Circumstances:
        asked, profile, at = self._asked, someone.profile, one.known_at
        definition, site, spot = asked.definition, there.site, there.spot
        hours = there.hours_at(at) if definition.only_when_open else UNKNOWN
        tellings = someone.recall(at, since=at - self._memory)
        told = told_by(tellings, place_id=spot.place_id, limits=asked.limits, at=at)
        last = last_told(tellings, asked.campaign_id, spot=spot, per=definition.cooldown_per)
        return Circumstances(
            occurred_at=one.occurred_at,
            confidence=one.confidence,
            purposes=profile.purposes,
            sensitive=site.is_sensitive(one.occurred_at) or site.is_sensitive(at),
            open_state=hours.state,
            opens_at=hours.changes_at if hours.state is OpenState.CLOSED else None,
            unclaimable=there.why_not(at),
            time_zone=profile.time_zone,
            quiet_from=profile.quiet_from,
            quiet_until=profile.quiet_until,
            told_in_window=told.in_window,
            told_of_class=told.of_class.get(asked.campaign_class, 0),
            told_here=told.here,
            told_by_campaign=told_by_campaign(tellings, asked.campaign_id, definition.cap, at=at)
            if definition.cap
            else 0,
            last_told_at=last.told_at if last else None,
            told_this_visit=last is not None and last.visit_goes_on,
            held_out=someone.held_out,
        )


class _WallClock:
    """Tells hours by the clocks of a zone, and looks at them once in a quarter of an hour."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._until = datetime.min.replace(tzinfo=UTC)
        self._hour = 0

    def hour_of(self, at: datetime) -> int:
        """Return how many hours the clocks have shown since 1970; instants come in order."""
        if at >= self._until:
            self._until = at - (at - _EPOCH) % QUARTER + QUARTER
            wall = at.astimezone(self._zone).replace(tzinfo=UTC)
            self._hour = (wall - _EPOCH) // timedelta(hours=1)
        return self._hour


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS: Final[Mapping[Gate | None, int]] = {
    None: SENT,
    **{gate: number for number, gate in enumerate(GATES)},
}


def stands_for(at: datetime, begins: datetime) -> datetime:
    """Return the instant whose answer counts at another one, of something that begins.

    What has not begun is taken to be on week after week as it will be in its first: an instant
    before it stands for the same hour of the week after.
    """
    return at if at >= begins else at + math.ceil((begins - at) / WEEK) * WEEK


def _telling_of(one: Recorded) -> Telling:
    return Telling(
        person_id=one.person_id,
        campaign_id=one.subject_id or one.person_id,
        campaign_class=CampaignClass(one.campaign_class or CampaignClass.SERVICE),
        spot=Spot(place_id=one.place_id, parent_id=None),
        told_at=one.occurred_at,
        visit_goes_on=False,
    )


def _listener(person_id: UUID, profile: Profile, came: Sequence[datetime]) -> Listener:
    return Listener(
        person_id=person_id,
        role=profile.role,
        language=profile.language,
        team_ids=profile.team_ids,
        skills=profile.skills,
        came=came,
    )
