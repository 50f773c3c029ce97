"""How a stay begins, is marked and ends: a state machine over noisy readings.

    nothing ── marginal ──▶ arriving ──── for long ───▶ inside ── far ──▶ leaving ── far ──▶ away
       │                        │                         ▲ │  ▲              │               │ │
       └── clearly inside ──────┴─────────────────────────┘ │  └── not far ────┴───────────────┘ │
                                               silence ─────┴──────▶ ended ◀───── for long ──────┘

What a reading shows is decided in `sights`. One reading never ends a stay, however accurate it
claims to be, and readings close in time err together: what confirms is time, not their number.
Time counts as an absence as far as readings show it; a pause after the last one shows nothing.
What the phone itself says, having watched the geofence with all its sensors, outranks readings.
Nothing here reads a clock: time is an argument.

A transition is dated to when it happened and not to when it was believed: an enter to the first
reading inside, an exit to the first one outside. So a visit's transitions never swap places.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from geoservices.visits import arrivals
from geoservices.visits.sights import PresenceRules, Sight


class Phase(StrEnum):
    """Where a visit stands."""

    ARRIVING = "arriving"
    INSIDE = "inside"
    LEAVING = "leaving"
    """One reading far outside."""
    AWAY = "away"
    """Two or more of them, and nothing else since the first."""
    ENDED = "ended"


class TransitionKind(StrEnum):
    """What can happen between a device and a geofence."""

    ENTERED = "entered"
    DWELLED = "dwelled"
    EXITED = "exited"
    CROSSED = "crossed"
    """Passed between two readings, with no visit."""


class Reason(StrEnum):
    """Why a transition was believed."""

    CLEARLY_INSIDE = "clearly-inside"
    KEPT_INSIDE = "kept-inside"
    WITHIN_REACH = "within-reach"
    TOLD_BY_PHONE = "told-by-phone"
    STAYED = "stayed"
    OUTSIDE_FOR_LONG = "outside-for-long"
    SILENCE = "silence"
    WORK_ENDED = "work-ended"
    BETWEEN_TWO_POSITIONS = "between-two-positions"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitState:
    """What must be remembered of a stay between two readings.

    `entered_at` is the first reading inside, `seen_at` the last whose circle touched the
    geofence, `phase_since` when the present phase began. `confidence` is that of the enter,
    while arriving that of the enter that would come of it. `told` says that the phone itself
    told of having come. `far_at` is the last of the readings that are far, once there are two.
    """

    phase: Phase
    phase_since: datetime
    entered_at: datetime
    seen_at: datetime
    dwell_after: timedelta
    confidence: int
    dwelled_at: datetime | None = None
    exited_at: datetime | None = None
    exit_reason: Reason | None = None
    initial: bool = False
    told: bool = False
    far_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A transition that a reading or the passing of time brought about."""

    kind: TransitionKind
    at: datetime
    reason: Reason
    confidence: int


Step = tuple[VisitState | None, tuple[Change, ...]]


def advance(
    visit: VisitState | None,
    sight: Sight,
    at: datetime,
    *,
    rules: PresenceRules,
    dwell_after: timedelta,
    before: datetime | None,
) -> Step:
    """Follow a visit by one reading.

    Args:
        visit: The open visit of this device in this geofence, if there is one.
        sight: What the next reading in order of time shows; an earlier one must not be given.
        at: When it was taken.
        rules: The constants.
        dwell_after: How long a stay must last to count as dwelling, for a visit that begins.
        before: When the device was last heard before, None if nothing was known of it.

    Returns:
        The visit as it now stands, None where there is none, and the transitions in order. A
        visit in the phase `ended` is over; the caller then gives the same reading once more
        with no visit, since the reading after a long silence may begin the next one.
    """
    waited, timed = (None, ()) if visit is None else elapse(visit, at, rules=rules)
    if waited is None:
        return _begin(sight, at, before, rules=rules, dwell_after=dwell_after)
    if waited.phase is Phase.ENDED:
        return waited, timed
    if waited.phase is Phase.ARRIVING:
        followed, changes = _follow_arriving(waited, sight, at, before, rules)
    else:
        followed, changes = _FOLLOW[waited.phase](waited, sight, at, rules)
    return followed, timed + changes


def tell(
    visit: VisitState | None,
    kind: TransitionKind,
    at: datetime,
    *,
    rules: PresenceRules,
    dwell_after: timedelta,
    first_sight: bool = False,
) -> Step:
    """Follow a visit by what the phone itself says: that it has come, or gone.

    It is believed at once. A stay that the phone told of is ended by readings only when they
    have been far for as long as `silence`, and by silence only after `told_silence`, so that a
    leave that was lost does not keep it for ever. What is said of a time before the visit's last
    reading changes nothing.

    Args:
        visit: The open visit of this device in this geofence, if there is one.
        kind: `entered` or `exited`.
        at: When the phone says it happened. Without a visit the caller must know that nothing
            later was followed of this device.
        rules: The constants.
        dwell_after: How long a stay must last to count as dwelling, for a visit that begins.
        first_sight: Whether nothing was known of the device before.

    Returns:
        As `advance` does; after the end of a visit by time the same is given once more.
    """
    if visit is not None and at < max(visit.seen_at, visit.phase_since):
        return visit, ()
    if kind is TransitionKind.EXITED:
        return _tell_out(visit, at, rules)
    waited, timed = (None, ()) if visit is None else elapse(visit, at, rules=rules)
    if waited is not None and waited.phase is Phase.ENDED:
        return waited, timed
    if waited is not None and waited.phase is not Phase.ARRIVING:
        back = replace(_back(waited, at), seen_at=at, told=True)
        followed, changes = elapse(back, at, rules=rules)
        return followed, timed + changes
    if waited is None:
        waited = _arrive(at, confidence=2, dwell_after=dwell_after, first_sight=first_sight)
    elif at - waited.seen_at > rules.confirm_enter_gap:
        waited = replace(waited, entered_at=at)
    return _enter(replace(waited, told=True), at, Reason.TOLD_BY_PHONE, confidence=2)


def elapse(visit: VisitState, at: datetime, *, rules: PresenceRules) -> Step:
    """Let time pass until `at` with nothing heard, and say what that brings about.

    A stay that lasted long enough dwells, an exit seen twice is confirmed when nothing was heard
    for long after it, and silence ends a visit at the moment it was last seen, or said to dwell,
    as inferred.
    """
    changes: tuple[Change, ...] = ()
    if _dwells(visit, at, rules):
        visit, changes = _dwell(visit)
    if at < _given_up_at(visit, rules):
        return visit, changes
    if visit.phase is Phase.ARRIVING:
        return None, changes
    if visit.phase is Phase.AWAY:
        ended, exits = _end(visit, visit.phase_since, Reason.OUTSIDE_FOR_LONG)
    else:
        ended, exits = _end(visit, _last_there(visit), Reason.SILENCE)
    return ended, changes + exits


def let_go(visit: VisitState, at: datetime, *, rules: PresenceRules) -> Step:
    """Look at a visit whose geofence is watched no more.

    Nothing can be heard of such a stay, so it does not dwell. It ends when it was last seen, or
    said to dwell, as it would by silence; an exit that was seen is dated as ever.
    """
    if visit.phase in {Phase.ARRIVING, Phase.AWAY}:
        return elapse(visit, at, rules=rules)
    return _end(visit, _last_there(visit), Reason.SILENCE)


def call_off(visit: VisitState) -> Step:
    """End a visit, where it was last seen, whose device is located no more: its work ended."""
    is_there = visit.phase is not Phase.ARRIVING
    return _end(visit, _last_there(visit), Reason.WORK_ENDED) if is_there else (None, ())


def absent_until(visit: VisitState, *, rules: PresenceRules) -> datetime:
    """Return when a reading far outside ends a visit that is away; before, it only keeps it so."""
    return visit.phase_since + _absence(visit, rules)


def next_due(visit: VisitState, *, after: datetime, rules: PresenceRules) -> datetime:
    """Return when `elapse` must next be asked, `after` at the earliest, if nothing is heard.

    A device inside may be seen there again without this being asked anew, so a stay that has not
    yet lasted long enough to dwell is asked when it has, however long ago it was last seen.
    """
    due = _given_up_at(visit, rules)
    dwells_at = visit.entered_at + visit.dwell_after
    may_dwell = visit.phase is Phase.INSIDE and visit.dwelled_at is None
    if may_dwell and (dwells_at > after or _dwells(visit, dwells_at, rules)):
        due = min(due, dwells_at)
    return max(due, after)


def _absence(visit: VisitState, rules: PresenceRules) -> timedelta:
    """Return how long a device must have been far outside to have left."""
    return rules.silence if visit.told else rules.confirm_exit_after


def _given_up_at(visit: VisitState, rules: PresenceRules) -> datetime:
    """Return when time alone ends the visit."""
    if visit.phase is Phase.AWAY:
        return (visit.far_at or visit.phase_since) + _absence(visit, rules)
    if not visit.told:
        return visit.seen_at + rules.silence
    if visit.phase is Phase.LEAVING:
        return visit.phase_since + rules.silence
    return visit.seen_at + rules.told_silence


def _begin(
    sight: Sight,
    at: datetime,
    before: datetime | None,
    *,
    rules: PresenceRules,
    dwell_after: timedelta,
) -> Step:
    unheard = None if before is None else at - before
    if sight < arrivals.least_sight(unheard, rules=rules):
        return None, ()
    arriving = _arrive(
        at,
        confidence=1 if sight <= Sight.REACHING else 2,
        dwell_after=dwell_after,
        first_sight=before is None,
    )
    if sight == Sight.CLEAR:
        return _enter(arriving, at, Reason.CLEARLY_INSIDE, confidence=3)
    return arriving, ()


def _arrive(
    at: datetime, *, confidence: int, dwell_after: timedelta, first_sight: bool
) -> VisitState:
    return VisitState(
        phase=Phase.ARRIVING,
        phase_since=at,
        entered_at=at,
        seen_at=at,
        dwell_after=dwell_after,
        confidence=confidence,
        initial=first_sight,
    )


def _enter(visit: VisitState, at: datetime, reason: Reason, *, confidence: int) -> Step:
    inside = replace(visit, phase=Phase.INSIDE, phase_since=at, seen_at=at, confidence=confidence)
    return inside, (
        Change(
            kind=TransitionKind.ENTERED,
            at=visit.entered_at,
            reason=reason,
            confidence=confidence,
        ),
    )


def _last_there(visit: VisitState) -> datetime:
    return max(visit.seen_at, visit.dwelled_at or visit.seen_at)


def _end(visit: VisitState, exited_at: datetime, reason: Reason) -> Step:
    confidence = 1 if reason is Reason.SILENCE else visit.confidence
    ended = replace(visit, phase=Phase.ENDED, exited_at=exited_at, exit_reason=reason)
    return ended, (
        Change(kind=TransitionKind.EXITED, at=exited_at, reason=reason, confidence=confidence),
    )


def _tell_out(visit: VisitState | None, at: datetime, rules: PresenceRules) -> Step:
    """End a visit when the phone says, or when it was first seen far outside before that."""
    if visit is None or visit.phase is Phase.ARRIVING:
        return None, ()
    waited, timed = elapse(visit, at, rules=rules)
    if waited is None or waited.phase is Phase.ENDED:
        return waited, timed
    seen_leaving = waited.phase is not Phase.INSIDE and not waited.told
    if seen_leaving:
        ended, exits = _end(waited, waited.phase_since, Reason.TOLD_BY_PHONE)
        return ended, timed + exits
    there = replace(waited, phase=Phase.INSIDE, seen_at=at)
    there, dwells = _dwell(there) if _dwells(there, at, rules) else (there, ())
    ended, exits = _end(there, at, Reason.TOLD_BY_PHONE)
    return ended, timed + dwells + exits


def _dwells(visit: VisitState, at: datetime, rules: PresenceRules) -> bool:
    dwells_at = visit.entered_at + visit.dwell_after
    return (
        visit.phase is Phase.INSIDE
        and visit.dwelled_at is None
        and at >= dwells_at
        and dwells_at - visit.seen_at <= rules.dwell_freshness
    )


def _dwell(visit: VisitState) -> tuple[VisitState, tuple[Change, ...]]:
    dwelled_at = visit.entered_at + visit.dwell_after
    return replace(visit, dwelled_at=dwelled_at), (
        Change(
            kind=TransitionKind.DWELLED,
            at=dwelled_at,
            reason=Reason.STAYED,
            confidence=visit.confidence,
        ),
    )


def _follow_arriving(
    visit: VisitState, sight: Sight, at: datetime, before: datetime | None, rules: PresenceRules
) -> Step:
    unseen, lasted = at - visit.seen_at, at - visit.phase_since
    unheard = unseen if before is None else at - before
    lapses = arrivals.lapses(sight, unheard=unheard, unseen=unseen, rules=rules)
    if lapses or arrivals.is_outdone(
        sight, confidence=visit.confidence, lasted=lasted, rules=rules
    ):
        begun, changes = _begin(sight, at, before, rules=rules, dwell_after=visit.dwell_after)
        return begun and replace(begun, initial=visit.initial), changes
    if sight == Sight.CLEAR:
        return _enter(visit, at, Reason.CLEARLY_INSIDE, confidence=3)
    wait = arrivals.confirmed_after(sight, confidence=visit.confidence, rules=rules)
    if wait is None:
        return visit, ()
    if lasted < wait:
        return replace(visit, seen_at=at), ()
    if sight < Sight.MARGINAL and visit.confidence == 1:
        return _enter(visit, at, Reason.WITHIN_REACH, confidence=1)
    return _enter(visit, at, Reason.KEPT_INSIDE, confidence=2)


def _follow_inside(visit: VisitState, sight: Sight, at: datetime, rules: PresenceRules) -> Step:
    if sight == Sight.FAR:
        return replace(visit, phase=Phase.LEAVING, phase_since=at), ()
    there = visit if sight == Sight.OUTSIDE else replace(visit, seen_at=at)
    return elapse(there, at, rules=rules)


def _follow_leaving(visit: VisitState, sight: Sight, at: datetime, rules: PresenceRules) -> Step:
    if sight != Sight.FAR:
        return _follow_inside(_back(visit, at), sight, at, rules)
    away = replace(visit, phase=Phase.AWAY, far_at=at)
    if at - visit.phase_since < _absence(visit, rules):
        return away, ()
    return _end(away, visit.phase_since, Reason.OUTSIDE_FOR_LONG)


def _back(visit: VisitState, at: datetime) -> VisitState:
    return replace(visit, phase=Phase.INSIDE, phase_since=at, far_at=None)


_FOLLOW = {
    Phase.INSIDE: _follow_inside,
    Phase.LEAVING: _follow_leaving,
    Phase.AWAY: _follow_leaving,
}
