"""Sightings on their way through the open visits of their devices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from geoservices.accounts.queries import HeldDevice
from geoservices.geofences.index import GeofenceIndex, Matches
from geoservices.geometry.position import Positions
from geoservices.instants import MICROSECOND, SECOND_US, instant, microseconds
from geoservices.pings.columns import Indices
from geoservices.pings.plausibility import suspect
from geoservices.pings.sightings import Sightings
from geoservices.settings.presence import PresenceSettings
from geoservices.visits.crossings import CrossingRules, crossed, may_have_crossed
from geoservices.visits.queries import VisitRow
from geoservices.visits.rules import rules_with
from geoservices.visits.sights import PresenceRules, sights
from geoservices.visits.stays import Follow, Made, loaded, stored_seen_at
from geoservices.visits.tracks import GOING, stages
from geoservices.visits.transitions import Phase, TransitionKind, VisitState

PAIRS_AT_ONCE = 1 << 18
"""So many readings are measured at once, so that memory stays bounded."""
NOTHING = (np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))

Spans = Mapping[int, tuple[int, list[int]]]
"""Where each device's sightings begin, and when they were made."""
Order = tuple[int, int, int, float]
ORDER = (
    TransitionKind.DWELLED,
    TransitionKind.EXITED,
    TransitionKind.CROSSED,
    TransitionKind.ENTERED,
)
"""How the transitions that one sighting told follow upon each other."""
ALWAYS = -1


@dataclass(frozen=True, slots=True)
class Track:
    """One device's readings of one geofence, from sighting `begin` on."""

    sender: int
    number: int
    begin: int
    sights: bytes
    rules: PresenceRules
    visit: VisitRow | None


class Walk:
    """Sightings, the visits they are followed through, and what comes of it."""

    def __init__(
        self,
        devices: Sequence[HeldDevice],
        sightings: Sightings,
        open_visits: Sequence[VisitRow],
        *,
        index: GeofenceIndex,
        presence: PresenceSettings,
    ) -> None:
        self.devices = devices
        self.sightings = sightings
        self.suspect = suspect(sightings.signs)
        self.spans = spans(sightings)
        self.index = index
        self.presence = presence
        self.rules = [rules_with(presence, overrides) for overrides in index.overrides]
        self.last_seen = {
            devices[sender].id: instant(times[-1]) for sender, (_begin, times) in self.spans.items()
        }
        sender_of = {devices[sender].id: sender for sender in self.spans}
        numbers = index.numbers_of([visit.geofence_id for visit in open_visits]).tolist()
        # A geofence that is no longer watched is measured no more; a timer ends its visits.
        self.open_visits = {
            (sender_of[visit.device_id], number): visit
            for visit, number in zip(open_visits, numbers, strict=True)
            if number >= 0 and visit.device_id in sender_of
        }
        self.changed: list[Follow] = []
        self._told: list[tuple[Order, Made]] = []
        self._there: dict[tuple[int, int], list[tuple[int, int]]] = {}
        """Between which sightings a device was on a visit in a geofence."""

    def follow(self) -> None:
        """Follow every device through every geofence that concerns it."""
        matches = self.index.match(self.sightings.fixes.lon, self.sightings.fixes.lat)
        for track in self._tracks(matches):
            self._follow(track)
        self._cross()

    def told(self) -> list[Made]:
        """Return the transitions of each device in the order in which they were told."""
        return [made for _order, made in sorted(self._told, key=lambda entry: entry[0])]

    def _tracks(self, matches: Matches) -> Iterator[Track]:
        """Measure each device's sightings against the geofences that concern it."""
        concerned = self._concerned(matches)
        keys = list(concerned)
        numbers = np.array([number for _sender, number in keys], dtype=np.intp)
        begins = np.array(list(concerned.values()), dtype=np.intp)
        ends = np.array(
            [self.spans[sender][0] + len(self.spans[sender][1]) for sender, _number in keys],
            dtype=np.intp,
        )
        of_rules = self.index.overrides_number[numbers].tolist()
        filled = np.cumsum(ends - begins) // PAIRS_AT_ONCE
        cuts = [0, *(np.flatnonzero(np.diff(filled)) + 1).tolist(), len(keys)]
        for first, last in pairwise(cuts):
            lengths = ends[first:last] - begins[first:last]
            codes = self._sights(begins[first:last], lengths, numbers[first:last]).tobytes()
            at = 0
            for track, length in zip(range(first, last), lengths.tolist(), strict=True):
                sender, number = keys[track]
                yield Track(
                    sender,
                    number,
                    concerned[keys[track]],
                    codes[at : at + length],
                    self.rules[of_rules[track]],
                    self.open_visits.get(keys[track]),
                )
                at += length

    def _concerned(self, matches: Matches) -> dict[tuple[int, int], int]:
        """Return from which sighting on each device may be on a visit in each geofence."""
        begins = {(sender, number): self.spans[sender][0] for sender, number in self.open_visits}
        positions, numbers = self._reached(matches)
        senders = self.sightings.devices[positions].tolist()
        for position, sender, number in zip(
            positions.tolist(), senders, numbers.tolist(), strict=True
        ):
            begins.setdefault((sender, number), position)
        return begins

    def _reached(self, matches: Matches) -> tuple[Indices, Indices]:
        """Add to what contains a position what else may begin an arrival."""
        more = [pairs for pairs in (self._touched(), self._in_reach()) if len(pairs[0])]
        if not more:
            return matches.positions, matches.geofences
        found = [(matches.positions, matches.geofences), *more]
        positions = np.concatenate([positions for positions, _geofences in found])
        order = np.argsort(positions, kind="stable")
        return positions[order], np.concatenate([numbers for _positions, numbers in found])[order]

    def _touched(self) -> tuple[Indices, Indices]:
        """Return what the circles touch of the phones that report seldom."""
        fixes, at_us = self.sightings.fixes, self.sightings.at_us
        if not self.rules:
            return NOTHING
        pause = min(rules.confirm_enter_within for rules in self.rules)
        limit_m = max(rules.arrival_accuracy_limit_m for rules in self.rules)
        heard_us = np.roll(at_us, 1)
        for sender, (begin, _times) in self.spans.items():
            heard_at = self.devices[sender].followed_until
            heard_us[begin] = 0 if heard_at is None else microseconds(heard_at)
        seldom = at_us - heard_us >= pause // MICROSECOND
        [these] = np.nonzero(seldom & (fixes.accuracy_m <= limit_m))
        if len(these) == 0:
            return NOTHING
        lon, lat, accuracy_m = fixes.lon[these], fixes.lat[these], fixes.accuracy_m[these]
        touched = self.index.within(lon, lat, accuracy_m)
        return these[touched.positions], touched.geofences

    def _in_reach(self) -> tuple[Indices, Indices]:
        """Return what is in reach, where a geofence has that mode."""
        reach_m = tuple(rules.reach_m for rules in self.rules)
        if not any(reach_m):
            return NOTHING
        fixes = self.sightings.fixes
        return self.index.reached(fixes.lon, fixes.lat, reach_m)

    def _sights(self, begins: Indices, lengths: Indices, numbers: Indices) -> NDArray[np.uint8]:
        """Judge all readings of some tracks, one track behind the other."""
        geofences = np.repeat(numbers, lengths)
        offsets = np.repeat(np.cumsum(lengths) - lengths, lengths)
        positions = np.repeat(begins, lengths) + np.arange(len(geofences)) - offsets
        fixes = self.sightings.fixes
        distance_m = self.index.distances_m(fixes.lon, fixes.lat, positions, geofences)
        accuracy_m = fixes.accuracy_m[positions]
        size_m = self.index.sizes_m()[geofences]
        doubted = self.suspect[positions]
        if len(self.rules) == 1:
            return sights(distance_m, accuracy_m, size_m, rules=self.rules[0], suspect=doubted)
        found = np.empty(len(positions), dtype=np.uint8)
        of_rules = self.index.overrides_number[geofences]
        for which in np.unique(of_rules).tolist():
            these = of_rules == which
            found[these] = sights(
                distance_m[these],
                accuracy_m[these],
                size_m[these],
                rules=self.rules[which],
                suspect=doubted[these],
            )
        return found

    def _follow(self, track: Track) -> None:
        """Follow one device through one geofence."""
        first, all_times = self.spans[track.sender]
        times = all_times[track.begin - first :]
        device = self.devices[track.sender]
        if _is_quiet(track, device.followed_until, self.last_seen[device.id]):
            self._note(track, ALWAYS, len(times))
            return
        size_m = float(self.index.sizes_m()[track.number])
        visit = loaded(track.visit, device.followed_until, track.rules) if track.visit else None
        before = visit.state if visit else None
        since = ALWAYS
        tested = self.sightings.tested[track.begin : track.begin + len(times)]
        for at, state, changes in stages(
            before,
            track.sights,
            times,
            tested,
            rules=track.rules,
            dwell_after=timedelta(seconds=float(self.index.dwell_after_s[track.number])),
            before=self._heard_before(track),
        ):
            if visit is None:
                if state is None:
                    continue
                since = at
                watched = self.index.watched(track.number)
                visit = Follow.begun(device.id, watched, track.rules, state)
            visit.state = state
            ping = int(self.sightings.pings[track.begin + at])
            for change in changes:
                order = (track.sender, times[at], *_together(change.kind, size_m))
                self._told.append((order, Made.of(visit, change, ping)))
            if state is None or state.phase is Phase.ENDED:
                self.changed.append(visit)
                self._note(track, since, at)
                visit, before = None, None
        if visit is not None:
            self._note(track, since, len(times))
            if not self._is_same(track, before, visit):
                self.changed.append(visit)

    def _heard_before(self, track: Track) -> datetime | None:
        """Return when the device was last heard before the track's first sighting."""
        first, times = self.spans[track.sender]
        if track.begin > first:
            return instant(times[track.begin - first - 1])
        return self.devices[track.sender].followed_until

    def _is_same(self, track: Track, before: VisitState | None, visit: Follow) -> bool:
        """Tell whether nothing has to be written down of an open visit.

        When a device was last seen inside is what its own row says, if that is when it was last
        followed. So is when one that is away was last far.
        """
        if before is None or visit.state is None or track.visit is None:
            return False
        was_live = track.visit.seen_at is None
        is_live = stored_seen_at(visit.state, self.last_seen[visit.device_id]) is None
        known = replace(before, far_at=visit.state.far_at)
        if is_live:
            known = replace(known, seen_at=visit.state.seen_at)
        return was_live == is_live and known == visit.state

    def _note(self, track: Track, since: int, until: int) -> None:
        """Note that a visit was open after each of these sightings of the track but the last."""
        begin = ALWAYS if since == ALWAYS else track.begin + since
        there = self._there.setdefault((track.sender, track.number), [])
        there.append((begin, track.begin + until))

    def _cross(self) -> None:
        """Tell of geofences that lie between two positions, where no visit was open."""
        seen = self.sightings
        rules = CrossingRules(
            crossing_within=self.presence.crossing_within,
            crossing_accuracy_limit_m=self.presence.crossing_accuracy_limit_m,
        )
        # Of the position before, only what its numbers show is known in the next request.
        doubtful = self.suspect | (seen.before.accuracy_m < self.presence.credible_accuracy_m)
        drawn = may_have_crossed(seen.before, seen.fixes, rules=rules, suspect=doubtful)
        # The next line begins where one to an untested position would.
        lines = np.flatnonzero(drawn & seen.tested)
        if len(lines) == 0:
            return
        before = Positions(*(column[lines] for column in seen.before))
        after = Positions(*(column[lines] for column in seen.fixes))
        met = self.index.crossed(before.lon, before.lat, after.lon, after.lat)
        outside = np.ones(len(met.positions), dtype=np.bool_)
        for end in (before, after):
            outside &= self.index.distances_m(end.lon, end.lat, met.positions, met.geofences) > 0.0
        for line, number in zip(
            met.positions[outside].tolist(), met.geofences[outside].tolist(), strict=True
        ):
            self._cross_one(int(lines[line]), number, float(before.at_s[line]))

    def _cross_one(self, sighting: int, number: int, before_s: float) -> None:
        sender = int(self.sightings.devices[sighting])
        there = self._there.get((sender, number), ())
        if any(begin < sighting <= end for begin, end in there):
            return
        watched = self.index.watched(number)
        at_us = int(self.sightings.at_us[sighting])
        change = crossed(instant(round(before_s * SECOND_US)), instant(at_us))
        size_m = float(self.index.sizes_m()[number])
        made = Made(
            id=uuid4(),
            visit_id=None,
            device_id=self.devices[sender].id,
            geofence_id=watched.id,
            place_id=watched.place_id,
            organisation_id=watched.organisation_id,
            change=change,
            initial=False,
            ping=int(self.sightings.pings[sighting]),
        )
        self._told.append(((sender, at_us, *_together(change.kind, size_m)), made))


def _is_quiet(track: Track, followed_until: datetime | None, last: datetime) -> bool:
    """Tell at a glance that a device inside is inside still, as nearly all are."""
    visit = track.visit
    if visit is None or visit.phase != Phase.INSIDE or visit.seen_at or followed_until is None:
        return False
    if GOING.search(track.sights):
        return False
    dwelled = visit.dwelled_at is not None or last < visit.entered_at + visit.dwell_after
    return dwelled and last - followed_until < track.rules.silence


def spans(sightings: Sightings) -> Spans:
    """Return each device's part of the sightings."""
    begins = [0, *(np.flatnonzero(np.diff(sightings.devices)) + 1).tolist()]
    times = sightings.at_us.tolist()
    return {
        int(sightings.devices[begin]): (begin, times[begin:end])
        for begin, end in pairwise([*begins, len(times)])
    }


def _together(kind: TransitionKind, size_m: float) -> tuple[int, float]:
    """Return what orders the transitions that one sighting told."""
    return ORDER.index(kind), -size_m if kind is TransitionKind.ENTERED else size_m
