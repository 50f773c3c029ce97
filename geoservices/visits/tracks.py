"""A device's readings of one geofence, followed from one that matters to the next.

Most readings only say that nothing has changed. They are passed over without asking the machine,
which makes no difference to what it decides.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from geoservices.instants import MICROSECOND, instant, microseconds
from geoservices.visits.arrivals import least_sight
from geoservices.visits.sights import PresenceRules, Sight
from geoservices.visits.transitions import Change, Phase, VisitState, absent_until, advance

Stage = tuple[int, VisitState | None, tuple[Change, ...]]
"""The reading that was followed, the visit as it then stands, and the transitions."""

FAR, OUTSIDE = bytes([Sight.FAR]), bytes([Sight.OUTSIDE])
GOING = re.compile(b"[\\x%02x-\\x%02x]" % (Sight.FAR, Sight.OUTSIDE))
"""What a device inside shows when it may be leaving."""
TOUCH = re.compile(b"\\x%02x" % Sight.TOUCHING)
ARRIVAL = re.compile(b"[\\x%02x-\\x%02x]" % (Sight.REACHING, Sight.CLEAR))
PENDING = {Phase.ARRIVING, Phase.LEAVING, Phase.AWAY}
NOT_FAR = re.compile(b"[^\\x%02x]" % Sight.FAR)


def stages(
    visit: VisitState | None,
    sights: bytes,
    times: Sequence[int],
    tested: Sequence[bool] | NDArray[np.bool_],
    *,
    rules: PresenceRules,
    dwell_after: timedelta,
    before: datetime | None,
) -> Iterator[Stage]:
    """Follow a visit through readings, and whatever visits come after it.

    Args:
        visit: The open visit of this device in this geofence, if there is one.
        sights: What each reading shows, one `Sight` a byte.
        times: When each was taken, microseconds since 1970, each later than the one before.
        tested: Whether each has moved far enough to be tested. One that has not is no verdict,
            but where something waits to be confirmed.
        rules: The constants.
        dwell_after: How long a stay must last to count as dwelling, for visits that begin.
        before: When the device was last heard before the first of them, None if it never was.

    Yields:
        A stage for each reading that mattered and one for the end. A visit that is `ended`, or
        None after there was one, is over; what a later stage holds is another.
    """
    at = 0
    all_tested = bool(np.all(tested))
    while at < len(times):
        matters = at
        if all_tested:
            matters = next_that_matters(visit, sights, times, at, rules=rules, before=before)
        touching = at + len(sights[at:matters].rstrip(OUTSIDE))
        if visit is not None and visit.phase is Phase.INSIDE and touching > at:
            visit = replace(visit, seen_at=instant(times[touching - 1]))
            yield touching - 1, visit, ()
        if visit is not None and visit.phase is Phase.AWAY and matters > at:
            visit = replace(visit, far_at=instant(times[matters - 1]))
            yield matters - 1, visit, ()
        at = matters
        again = at < len(times)
        while again:
            waits = visit is not None and visit.phase in PENDING
            sight = Sight(sights[at]) if tested[at] or waits else Sight.UNCERTAIN
            visit, changes = advance(
                visit,
                sight,
                instant(times[at]),
                rules=rules,
                dwell_after=dwell_after,
                before=instant(times[at - 1]) if at else before,
            )
            yield at, visit, changes
            again = visit is not None and visit.phase is Phase.ENDED
            visit = None if again else visit
        at += 1


def next_that_matters(
    visit: VisitState | None,
    sights: bytes,
    times: Sequence[int],
    start: int,
    *,
    rules: PresenceRules,
    before: datetime | None,
) -> int:
    """Return the first reading from `start` on that may do more than say the device is still there.

    Where none does, that is the number of readings.
    """
    end = len(times)
    if visit is None:
        found = ARRIVAL.search(sights, start)
        end = found.start() if found else end
        return _first_after_a_pause(sights, times, start, end, rules=rules, before=before)
    if visit.phase is Phase.INSIDE:
        far = sights.find(FAR, start)
        end = end if far < 0 else far
        if visit.dwelled_at is None:
            dwells_at = microseconds(visit.entered_at + visit.dwell_after)
            end = bisect_left(times, dwells_at, start, end)
        return _first_after_silence(visit, sights, times, start, end, rules=rules)
    if visit.phase is Phase.AWAY:
        found = NOT_FAR.search(sights, start)
        end = found.start() if found else end
        return bisect_left(times, microseconds(absent_until(visit, rules=rules)), start, end)
    return start


def _first_after_a_pause(
    sights: bytes,
    times: Sequence[int],
    start: int,
    end: int,
    *,
    rules: PresenceRules,
    before: datetime | None,
) -> int:
    """Return the first reading in the range that begins an arrival though it only touches."""
    for found in TOUCH.finditer(sights, start, end):
        at = found.start()
        heard_at = instant(times[at - 1]) if at else before
        unheard = None if heard_at is None else instant(times[at]) - heard_at
        if least_sight(unheard, rules=rules) == Sight.TOUCHING:
            return at
    return end


def _first_after_silence(
    visit: VisitState,
    sights: bytes,
    times: Sequence[int],
    start: int,
    end: int,
    *,
    rules: PresenceRules,
) -> int:
    """Return the first reading in the range that came so long after one that touched the area."""
    seen_at, silence = microseconds(visit.seen_at), rules.silence // MICROSECOND
    if end == start or times[end - 1] - seen_at < silence:
        return end
    for at in range(start, end):
        if times[at] - seen_at >= silence:
            return at
        if sights[at] != Sight.OUTSIDE:
            seen_at = times[at]
    return end
