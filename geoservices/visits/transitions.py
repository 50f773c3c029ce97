"""How a stay begins, is marked and ends: a state machine over noisy readings.

    nothing ── marginal ──▶ arriving ── kept inside ──▶ inside ── far ──▶ leaving ── far ──▶ away
       │                        │                         ▲ │  ▲              │ │             │ │
       └── clearly inside ──────┴─────────────────────────┘ │  └── not outside ┴─────────────┘ │
                                               silence ─────┴──────▶ ended ◀──── for long ─────┘

A reading is *clearly inside* when its whole circle of accuracy is, *marginal* when only its
centre is, and *far* outside when it lies beyond the edge by more than its accuracy and a margin.
Anything between is no verdict. One reading never ends a stay, however accurate it claims to be,
and readings close in time err together: what confirms is time, not their number. Nothing here
reads a clock: time is an argument.

A transition is dated to when it happened and not to when it was believed: an enter to the first
reading inside, an exit to the first one outside. So a visit's transitions never swap places.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from geoservices.geometry.containment import Containment, locate


class Phase(StrEnum):
    """Where a visit stands."""

    ARRIVING = "arriving"
    INSIDE = "inside"
    LEAVING = "leaving"
    """One reading far outside."""
    AWAY = "away"
    """Two or more of them, with none between that was not outside."""
    ENDED = "ended"


class TransitionKind(StrEnum):
    """What can happen to a visit."""

    ENTERED = "entered"
    DWELLED = "dwelled"
    EXITED = "exited"


class Reason(StrEnum):
    """Why a transition was believed."""

    CLEARLY_INSIDE = "clearly-inside"
    KEPT_INSIDE = "kept-inside"
    STAYED = "stayed"
    OUTSIDE_FOR_LONG = "outside-for-long"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceRules:
    """The constants of the machine; `settings.PresenceSettings` documents each."""

    arrival_accuracy_limit_m: float
    credible_accuracy_m: float
    confirm_enter_after: timedelta
    confirm_enter_within: timedelta
    exit_accuracy_cap_m: float
    exit_margin_m: float
    exit_margin_share: float
    confirm_exit_after: timedelta
    silence: timedelta
    dwell_freshness: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One position measured against one geofence.

    `distance_m` is signed: metres from the edge, negative inside. `size_m` is the radius of the
    circle that has the geofence's area.
    """

    at: datetime
    distance_m: float
    accuracy_m: float
    size_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitState:
    """What must be remembered of a stay between two readings.

    `entered_at` is the first reading inside, `seen_at` the last that did not place the device
    far outside, `phase_since` when the present phase began.
    """

    phase: Phase
    phase_since: datetime
    entered_at: datetime
    seen_at: datetime
    dwell_after: timedelta
    dwelled_at: datetime | None = None
    exited_at: datetime | None = None
    exit_reason: Reason | None = None
    confidence: int = 1
    initial: bool = False


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
    reading: Reading,
    *,
    rules: PresenceRules,
    dwell_after: timedelta,
    first_sight: bool = False,
) -> Step:
    """Follow a visit by one reading.

    Args:
        visit: The open visit of this device in this geofence, if there is one.
        reading: The next reading in order of time; an earlier one must not be given.
        rules: The constants.
        dwell_after: How long a stay must last to count as dwelling, for a visit that begins.
        first_sight: Whether nothing was known of the device before this reading.

    Returns:
        The visit as it now stands, None where there is none, and the transitions in order. A
        visit in the phase `ended` is over; the caller then gives the same reading once more
        with no visit, since the reading after a long silence may begin the next one.
    """
    if visit is None:
        return _begin(reading, rules=rules, dwell_after=dwell_after, first_sight=first_sight)
    waited, timed = elapse(visit, reading.at, rules=rules)
    if waited is None:
        return _begin(reading, rules=rules, dwell_after=dwell_after, first_sight=first_sight)
    if waited.phase is Phase.ENDED:
        return waited, timed
    followed, changes = _FOLLOW[waited.phase](waited, reading, rules)
    return followed, timed + changes


def elapse(visit: VisitState, at: datetime, *, rules: PresenceRules) -> Step:
    """Let time pass until `at` with nothing heard, and say what that brings about.

    A stay that lasted long enough dwells, an exit seen twice is confirmed by time, and silence
    ends a visit at the moment it was last seen, or said to dwell, as inferred.
    """
    changes: tuple[Change, ...] = ()
    if _dwells(visit, at, rules):
        dwelled_at = visit.entered_at + visit.dwell_after
        visit = replace(visit, dwelled_at=dwelled_at)
        changes = (
            Change(
                kind=TransitionKind.DWELLED,
                at=dwelled_at,
                reason=Reason.STAYED,
                confidence=visit.confidence,
            ),
        )
    if visit.phase is Phase.ARRIVING:
        silent = at - visit.seen_at >= rules.silence
        return (None if silent else visit), changes
    if visit.phase is Phase.AWAY:
        if at - visit.phase_since < rules.confirm_exit_after:
            return visit, changes
        ended, exits = _end(visit, visit.phase_since, Reason.OUTSIDE_FOR_LONG)
        return ended, changes + exits
    if at - visit.seen_at >= rules.silence:
        ended, exits = _end(visit, _last_there(visit), Reason.SILENCE)
        return ended, changes + exits
    return visit, changes


def let_go(visit: VisitState, at: datetime, *, rules: PresenceRules) -> Step:
    """Look at a visit whose geofence is watched no more.

    Nothing can be heard of such a stay, so it does not dwell. It ends when it was last seen, or
    said to dwell, as it would by silence; an exit that was seen is dated as ever.
    """
    if visit.phase in {Phase.ARRIVING, Phase.AWAY}:
        return elapse(visit, at, rules=rules)
    ended, exits = _end(visit, _last_there(visit), Reason.SILENCE)
    return ended, exits


def stays_away(visit: VisitState, at: datetime, *, rules: PresenceRules) -> bool:
    """Tell whether a reading far outside would leave the visit exactly as it is."""
    return visit.phase is Phase.AWAY and at - visit.phase_since < rules.confirm_exit_after


def far_from_m(accuracy_m: float, size_m: float, *, rules: PresenceRules) -> float:
    """Return the distance from an edge beyond which a reading is far outside."""
    margin_m = max(rules.exit_margin_m, rules.exit_margin_share * size_m)
    return min(accuracy_m, rules.exit_accuracy_cap_m) + margin_m


def next_due(visit: VisitState, *, after: datetime, rules: PresenceRules) -> datetime:
    """Return when `elapse` must next be asked, `after` at the earliest, if nothing is heard."""
    if visit.phase is Phase.AWAY:
        due = visit.phase_since + rules.confirm_exit_after
    else:
        due = visit.seen_at + rules.silence
        dwells_at = visit.entered_at + visit.dwell_after
        if _dwells(visit, dwells_at, rules):
            due = min(due, dwells_at)
    return max(due, after)


def _clearly_inside(reading: Reading, rules: PresenceRules) -> bool:
    whole = locate(reading.distance_m, reading.accuracy_m) is Containment.INSIDE
    credible = rules.credible_accuracy_m <= reading.accuracy_m <= rules.arrival_accuracy_limit_m
    return whole and credible


def _marginally_inside(reading: Reading, rules: PresenceRules) -> bool:
    return reading.distance_m <= 0 and reading.accuracy_m <= rules.arrival_accuracy_limit_m


def _far_outside(reading: Reading, rules: PresenceRules) -> bool:
    return reading.distance_m > far_from_m(reading.accuracy_m, reading.size_m, rules=rules)


def _begin(
    reading: Reading, *, rules: PresenceRules, dwell_after: timedelta, first_sight: bool
) -> Step:
    if not _marginally_inside(reading, rules):
        return None, ()
    arriving = VisitState(
        phase=Phase.ARRIVING,
        phase_since=reading.at,
        entered_at=reading.at,
        seen_at=reading.at,
        dwell_after=dwell_after,
        initial=first_sight,
    )
    if not _clearly_inside(reading, rules):
        return arriving, ()
    return _enter(arriving, reading, Reason.CLEARLY_INSIDE, confidence=3)


def _enter(visit: VisitState, reading: Reading, reason: Reason, *, confidence: int) -> Step:
    inside = replace(
        visit,
        phase=Phase.INSIDE,
        phase_since=reading.at,
        seen_at=reading.at,
        confidence=confidence,
    )
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


def _dwells(visit: VisitState, at: datetime, rules: PresenceRules) -> bool:
    dwells_at = visit.entered_at + visit.dwell_after
    return (
        visit.phase is Phase.INSIDE
        and visit.dwelled_at is None
        and at >= dwells_at
        and dwells_at - visit.seen_at <= rules.dwell_freshness
    )


def _follow_arriving(visit: VisitState, reading: Reading, rules: PresenceRules) -> Step:
    lapsed = reading.at - visit.seen_at > rules.confirm_enter_within
    if lapsed or _far_outside(reading, rules):
        return _begin(
            reading, rules=rules, dwell_after=visit.dwell_after, first_sight=visit.initial
        )
    if _clearly_inside(reading, rules):
        return _enter(visit, reading, Reason.CLEARLY_INSIDE, confidence=3)
    if not _marginally_inside(reading, rules):
        return visit, ()
    if reading.at - visit.phase_since >= rules.confirm_enter_after:
        return _enter(visit, reading, Reason.KEPT_INSIDE, confidence=2)
    return replace(visit, seen_at=reading.at), ()


def _follow_inside(visit: VisitState, reading: Reading, rules: PresenceRules) -> Step:
    if _far_outside(reading, rules):
        return replace(visit, phase=Phase.LEAVING, phase_since=reading.at), ()
    return elapse(replace(visit, seen_at=reading.at), reading.at, rules=rules)


def _follow_leaving(visit: VisitState, reading: Reading, rules: PresenceRules) -> Step:
    if _far_outside(reading, rules):
        away = replace(visit, phase=Phase.AWAY)
        return elapse(away, reading.at, rules=rules)
    if locate(reading.distance_m, reading.accuracy_m) is not Containment.OUTSIDE:
        back = replace(visit, phase=Phase.INSIDE, phase_since=reading.at, seen_at=reading.at)
        return elapse(back, reading.at, rules=rules)
    return visit, ()


_FOLLOW = {
    Phase.ARRIVING: _follow_arriving,
    Phase.INSIDE: _follow_inside,
    Phase.LEAVING: _follow_leaving,
    Phase.AWAY: _follow_leaving,
}
