"""What a campaign would have decided on what was recorded, by the rules that decide live.

Whoever reads the records gives them here in the order in which they became known. Told are numbers
of people and of places alone; `replaying_counts` says what may be told of those.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from geoservices.access.rights import MEMBERS
from geoservices.campaigns import windows
from geoservices.campaigns.audiences import APART, Listener, fits, is_held_out
from geoservices.campaigns.conditions import Deed, holds
from geoservices.campaigns.cooldowns import Spot
from geoservices.campaigns.definitions import Did
from geoservices.campaigns.gates import held_by
from geoservices.campaigns.pacing import Telling, last_told, told_by, told_by_campaign
from geoservices.campaigns.replayed import Key, Note, Profile, Question, Recorded, Site
from geoservices.campaigns.replaying_clocks import WallClock
from geoservices.campaigns.rules import CampaignClass, Circumstances, Gate, Terms, Trigger
from geoservices.campaigns.terms import terms_of
from geoservices.places.hours import UNKNOWN, Hours, OpenState, hours_at

GATES: Final = tuple(Gate)
SENT: Final = len(GATES)
"""What stands in a tally in place of a gate's number where none held."""
NOTES: Final = frozenset(Note)
NEVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


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
    id: UUID
    profile: Profile
    fits: bool
    held_out: bool
    told: list[Telling] = field(default_factory=list)
    """What they were told, the earliest first."""
    left_at: list[datetime | None] = field(default_factory=list)
    """When the visit is over that was the cause of each; None of one that is, or stays open."""
    same_until: datetime = NEVER
    """When time changes next what is remembered, if it does."""
    came: dict[Key, list[datetime]] = field(default_factory=dict)
    did: list[Deed] = field(default_factory=list)
    seated: bool = False
    """Whether they were told ever before."""
    visits: set[Key] = field(default_factory=set)
    """Because of which visits they were told."""

    def remember(
        self, telling: Telling, *, left_at: datetime | None = None, memory: timedelta
    ) -> None:
        """Be told something; the visit that is the cause goes on until `left_at`, or for good."""
        self.told.append(telling)
        self.left_at.append(left_at if telling.visit_goes_on else None)
        self.same_until = min(self.same_until, _changes_at(telling, left_at, memory))

    def recall(self, at: datetime, *, memory: timedelta) -> Sequence[Telling]:
        """Return what they were told not so long ago, or because of visits that go on."""
        if self.told and at >= self.same_until:
            told = list(zip(self.told, self.left_at, strict=True))
            self.told, self.left_at, self.same_until = [], [], NEVER
            for telling, left_at in told:
                goes_on = telling.visit_goes_on and (left_at is None or left_at > at)
                if goes_on or telling.told_at > at - memory:
                    same = goes_on is telling.visit_goes_on
                    now = telling if same else replace(telling, visit_goes_on=False)
                    self.remember(now, left_at=left_at, memory=memory)
        return self.told


@dataclass(slots=True)
class _Somewhere:
    """A place, and what was last asked of it; it is asked anew when that may have changed."""

    number: int
    site: Site
    spot: Spot
    hours: Hours = UNKNOWN
    hours_until: datetime | None = None
    unclaimable: tuple[str | None, datetime] | None = None

    def hours_at(self, at: datetime) -> Hours:
        """Return whether it is open at an instant; these come in order."""
        if self.hours_until is None or at >= self.hours_until:
            site = self.site
            self.hours = hours_at(site.opening_hours, time_zone=site.time_zone, at=at)
            # Instants of one zone are compared in a quarter of the time.
            self.hours_until = (self.hours.changes_at or NEVER).astimezone(at.tzinfo)
        return self.hours

    def why_not(self, at: datetime) -> str | None:
        """Return why nobody could make use of what is spoken of at an instant."""
        if self.unclaimable is None or self.unclaimable[1] <= at:
            self.unclaimable = self.site.why_not(at)
        return self.unclaimable[0]


def _changes_at(telling: Telling, left_at: datetime | None, memory: timedelta) -> datetime:
    """Return when somebody's visit is over, or they forget what they were told."""
    if telling.visit_goes_on:
        return left_at or NEVER
    return telling.told_at + memory


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
        self._people: dict[Key, _Someone] = {}
        self._places: dict[Key, _Somewhere] = {}
        waits = [limits.longest, definition.cooldown]
        waits += [definition.cap.within] if definition.cap else []
        self._memory = max(waits)
        self._seats_taken = 0
        self._clock = WallClock(ZoneInfo(question.time_zone))
        self._unasked: frozenset[Gate] = frozenset()
        self._unasked_until: datetime | None = None
        self._looked = array("I")
        self._decided, self._gates = array("I"), array("B")
        self._told, self._where, self._when = array("I"), array("I"), array("I")

    def unknown_people(self, recorded: Sequence[Recorded]) -> list[UUID]:
        """Return those of whom `meet` was not told yet."""
        return _ids({one.person for one in recorded} - self._people.keys())

    def unknown_places(self, recorded: Sequence[Recorded]) -> list[UUID]:
        """Return those of which `see` was not told yet."""
        decided_on = {one.place for one in recorded if one.place and one.kind not in NOTES}
        return _ids(decided_on - self._places.keys())

    def meet(self, people: Mapping[UUID, Profile]) -> None:
        """Be told of people."""
        asked = self._asked
        audience, campaign_id = asked.definition.audience, asked.campaign_id
        for person_id, profile in people.items():
            self._people[person_id.bytes] = _Someone(
                number=len(self._people),
                id=person_id,
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
            self._places[place_id.bytes] = _Somewhere(
                number=len(self._places),
                site=site,
                spot=Spot(place_id=place_id, parent_id=site.parent_id),
            )

    def follow(self, one: Recorded) -> None:
        """Look at what happened next, of a person and place that are known, and remember it."""
        someone, place = self._people[one.person], one.place
        if one.kind == Note.TOLD:
            someone.remember(_telling_of(one, someone), memory=self._memory)
        elif one.kind == Note.DID:
            someone.did.append(_deed_of(one))
        elif place is None:
            raise ValueError("What people do is somewhere.")
        elif one.kind == Note.CAME:
            someone.came.setdefault(place, []).append(one.occurred_at)
        else:
            self._looked[someone.number] += 1
            if self._hears(someone, place, one):
                self._decide(someone, self._places[place], one)

    def tally(self) -> Tally:
        """Return what was decided so far."""
        return Tally(
            people=[one.id for one in self._people.values()],
            profiles=[one.profile for one in self._people.values()],
            places=_ids(self._places),
            names=[one.site.name for one in self._places.values()],
            looked=self._looked,
            decided=self._decided,
            gates=self._gates,
            told=self._told,
            where=self._where,
            hours=self._when,
        )

    def _hears(self, someone: _Someone, place: Key, one: Recorded) -> bool:
        audience = self._asked.definition.audience
        if not someone.fits:
            return False
        if audience.conditions and not holds(
            audience,
            someone.did,
            whose=self._asked.whose,
            at=one.known_at,
            occurred_at=one.occurred_at,
        ):
            return False
        if audience.visited is None:
            return True
        came = someone.came.get(place, [])
        # Of all that is long enough ago, the last tells as much as all before.
        while len(came) > 1 and came[1] <= one.occurred_at - APART:
            del came[0]
        return fits(
            audience,
            _listener(someone.id, someone.profile, came),
            campaign_id=self._asked.campaign_id,
            occurred_at=one.occurred_at,
        )

    def _decide(self, someone: _Someone, there: _Somewhere, one: Recorded) -> None:
        about = self._circumstances(someone, there, one)
        terms = self._terms[one.kind]
        held = held_by(terms, about, limits=self._asked.limits, at=one.known_at)
        self._decided.append(someone.number)
        self._gates.append(SENT if held is None else _NUMBERS[held[0]])
        if held is None:
            self._remember(someone, there, one)

    def _remember(self, someone: _Someone, there: _Somewhere, one: Recorded) -> None:
        asked, at = self._asked, one.known_at
        telling = Telling(
            person_id=someone.id,
            campaign_id=asked.campaign_id,
            campaign_class=asked.campaign_class,
            spot=there.spot,
            told_at=at,
            visit_goes_on=one.kind != Trigger.CHECKED_IN
            and (one.left_at is None or one.left_at > at),
        )
        someone.remember(telling, left_at=one.left_at, memory=self._memory)
        self._seats_taken += not someone.seated
        someone.seated = True
        if one.subject is not None:
            someone.visits.add(one.subject)
        self._told.append(someone.number)
        self._where.append(there.number)
        self._when.append(self._clock.hour_of(at))

    def _circumstances(self, someone: _Someone, there: _Somewhere, one: Recorded) -> Circumstances:
        asked, profile, at = self._asked, someone.profile, one.known_at
        definition, site, spot = asked.definition, there.site, there.spot
        hours = there.hours_at(at) if definition.only_when_open else UNKNOWN
        tellings = someone.recall(at, memory=self._memory)
        is_member = profile.role in MEMBERS
        told = told_by(
            tellings, place_id=spot.place_id, is_member=is_member, limits=asked.limits, at=at
        )
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
            told_this_visit=(last is not None and last.visit_goes_on)
            or one.subject in someone.visits,
            held_out=someone.held_out,
            full=self._full(someone),
            is_member=is_member,
            unasked=self._unasked_at(at),
        )

    def _full(self, someone: _Someone) -> int | None:
        at_most = self._asked.definition.audience.at_most
        if at_most is None or someone.seated or self._seats_taken < at_most:
            return None
        return at_most

    def _unasked_at(self, at: datetime) -> frozenset[Gate]:
        """Return what need not be asked of anybody at an instant, as it lets all through."""
        if self._unasked_until is None or at >= self._unasked_until:
            weekly = self._asked.weekly
            self._unasked = frozenset({Gate.SCHEDULE} if windows.is_on(weekly, at) else ())
            self._unasked_until = windows.steady_until(weekly, at)
        return self._unasked


_NUMBERS: Final[Mapping[Gate, int]] = {gate: number for number, gate in enumerate(GATES)}


def _ids(keys: Iterable[Key]) -> list[UUID]:
    return [UUID(bytes=key) for key in keys]


def _telling_of(one: Recorded, someone: _Someone) -> Telling:
    return Telling(
        person_id=someone.id,
        campaign_id=UUID(bytes=one.subject or one.person),
        campaign_class=CampaignClass(one.what or CampaignClass.SERVICE),
        spot=Spot(place_id=UUID(bytes=one.place) if one.place else None, parent_id=None),
        told_at=one.occurred_at,
        visit_goes_on=False,
    )


def _deed_of(one: Recorded) -> Deed:
    subject = UUID(bytes=one.subject or one.person)
    return Deed(did=Did(one.what or Did.CHECKED_IN), of=subject, owner=subject, at=one.occurred_at)


def _listener(person_id: UUID, profile: Profile, came: Sequence[datetime]) -> Listener:
    return Listener(
        person_id=person_id,
        role=profile.role,
        language=profile.language,
        team_ids=profile.team_ids,
        skills=profile.skills,
        came=came,
        interests=profile.interests,
    )
