"""Help for tests of presence: one device and one geofence, followed reading by reading."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from geoservices.settings.presence import PresenceSettings
from geoservices.visits.rules import rules_with
from geoservices.visits.sights import PresenceRules, Sight, sights
from geoservices.visits.transitions import (
    Change,
    Phase,
    Reason,
    Step,
    TransitionKind,
    VisitState,
    advance,
    elapse,
    tell,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ENTERED, DWELLED, EXITED = TransitionKind.ENTERED, TransitionKind.DWELLED, TransitionKind.EXITED
RULES = rules_with(PresenceSettings())
DWELL_AFTER = timedelta(minutes=5)
SIZE_M = 30.0

Fix = tuple[float, float, float]
"""Seconds past noon, metres from the edge (negative inside), accuracy in metres."""


@dataclass(slots=True)
class Stay:
    """One device and one geofence, followed the way the service follows them."""

    rules: PresenceRules = RULES
    dwell_after: timedelta = DWELL_AFTER
    visit: VisitState | None = None
    heard_at: datetime | None = None

    def hear(self, fix: Fix) -> list[Change]:
        """Follow one reading; after the end of a visit the same reading is given once more."""
        second, distance_m, accuracy_m = fix
        return self.see(second, sight(distance_m, accuracy_m, rules=self.rules))

    def see(self, second: float, sight: Sight) -> list[Change]:
        """Follow what one reading shows."""
        before, self.heard_at = self.heard_at, moment(second)

        def step(visit: VisitState | None) -> Step:
            return advance(
                visit,
                sight,
                moment(second),
                rules=self.rules,
                dwell_after=self.dwell_after,
                before=before,
            )

        return self._again(step)

    def say(self, second: float, kind: TransitionKind) -> list[Change]:
        """Follow what the phone itself says."""
        first_sight, self.heard_at = self.heard_at is None, moment(second)

        def step(visit: VisitState | None) -> Step:
            return tell(
                visit,
                kind,
                moment(second),
                rules=self.rules,
                dwell_after=self.dwell_after,
                first_sight=first_sight,
            )

        return self._again(step)

    def _again(self, step: Callable[[VisitState | None], Step]) -> list[Change]:
        changes: list[Change] = []
        for _ in range(2):
            self.visit, told = step(self.visit)
            changes += told
            if self.visit is None or self.visit.phase is not Phase.ENDED:
                break
            self.visit = None
        return changes

    def wait(self, second: float) -> list[Change]:
        """Let time pass with nothing heard."""
        if self.visit is None:
            return []
        self.visit, changes = elapse(self.visit, moment(second), rules=self.rules)
        if self.visit is not None and self.visit.phase is Phase.ENDED:
            self.visit = None
        return list(changes)


def sight(
    distance_m: float, accuracy_m: float, size_m: float = SIZE_M, *, rules: PresenceRules = RULES
) -> Sight:
    """Judge one position against one geofence."""
    columns = (np.array([value]) for value in (distance_m, accuracy_m, size_m))
    return Sight(sights(*columns, rules=rules)[0])


def moment(second: float) -> datetime:
    """Return an instant by its seconds past noon."""
    return NOON + timedelta(seconds=second)


CLEAR, KEPT = Reason.CLEARLY_INSIDE, Reason.KEPT_INSIDE
OUT_LONG, SILENCE = Reason.OUTSIDE_FOR_LONG, Reason.SILENCE
