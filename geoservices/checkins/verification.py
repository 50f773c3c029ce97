"""How much speaks for a check-in."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from geoservices.geometry.containment import Containment, locate


class Evidence(StrEnum):
    """What speaks for someone's presence, weakest first."""

    OFFLINE_CLAIM = "offline-claim"
    SELF_DECLARED = "self-declared"
    CODE = "code"
    NEAR = "near"
    INSIDE = "inside"
    CODE_INSIDE = "code-inside"
    ROTATING_CODE = "rotating-code"
    STAFF_SCAN = "staff-scan"

    @property
    def rank(self) -> int:
        """0 for the weakest; a listing unlocks at its rank or above."""
        return list(Evidence).index(self)


CONFIDENCE: Mapping[Evidence, int] = {
    Evidence.OFFLINE_CLAIM: 1,
    Evidence.SELF_DECLARED: 1,
    Evidence.CODE: 2,
    Evidence.NEAR: 2,
    Evidence.INSIDE: 3,
    Evidence.CODE_INSIDE: 3,
    Evidence.ROTATING_CODE: 3,
    Evidence.STAFF_SCAN: 3,
}
"""A check-in's evidence on the scale of a transition's confidence."""


class Method(StrEnum):
    """How someone checks in."""

    BUTTON = "button"
    STATIC_CODE = "static-code"
    ROTATING_CODE = "rotating-code"
    STAFF_SCAN = "staff-scan"


class Doubt(StrEnum):
    """What keeps a check-in from the most that its method can prove."""

    TOLD_LATE = "told-late"
    NOT_MEASURED = "not-measured"
    POSITION_TOO_VAGUE = "position-too-vague"
    POSITION_OUTSIDE = "position-outside"
    POSITION_ELSEWHERE = "position-elsewhere"
    ACCURACY_TOO_GOOD = "accuracy-too-good"
    MOVEMENT_NOT_CREDIBLE = "movement-not-credible"


DOUBTS_IN_WORDS: Mapping[Doubt, str] = {
    Doubt.TOLD_LATE: "The check-in was told more than five minutes later.",
    Doubt.NOT_MEASURED: "No position was given, or the place has no area to compare it with.",
    Doubt.POSITION_TOO_VAGUE: "The position is not accurate enough to prove anything.",
    Doubt.POSITION_OUTSIDE: "The position lies outside the place.",
    Doubt.POSITION_ELSEWHERE: "The position lies far from the place.",
    Doubt.ACCURACY_TOO_GOOD: "The position claims to be more accurate than phones can be.",
    Doubt.MOVEMENT_NOT_CREDIBLE: "The position does not fit where the phone was shortly before.",
}
"""Each doubt as it is told to the person who checked in."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check-in proves, and what keeps it from proving more."""

    evidence: Evidence
    doubts: tuple[Doubt, ...] = ()


ACCURACY_LIMIT_M = 200.0
"""A position less accurate than this proves nothing (Home Assistant's gate)."""
ELSEWHERE_M = 500.0
"""Only a position this far beyond its accuracy contradicts a code: indoors, phones that go by
Wi-Fi and masts are hundreds of metres off while claiming tens."""


class _Where(Enum):
    """Where the position lies."""

    UNKNOWN = auto()
    VAGUE = auto()
    INSIDE = auto()
    NEAR = auto()
    OUTSIDE = auto()
    ELSEWHERE = auto()


_BEST: Mapping[Method, Evidence] = {
    Method.BUTTON: Evidence.INSIDE,
    Method.STATIC_CODE: Evidence.CODE_INSIDE,
    Method.ROTATING_CODE: Evidence.ROTATING_CODE,
    Method.STAFF_SCAN: Evidence.STAFF_SCAN,
}
_DOUBTFUL: Mapping[_Where, Doubt] = {
    _Where.UNKNOWN: Doubt.NOT_MEASURED,
    _Where.VAGUE: Doubt.POSITION_TOO_VAGUE,
    _Where.NEAR: Doubt.POSITION_OUTSIDE,
    _Where.OUTSIDE: Doubt.POSITION_OUTSIDE,
    _Where.ELSEWHERE: Doubt.POSITION_ELSEWHERE,
}


def verify(
    method: Method,
    *,
    distance_m: float | None,
    accuracy_m: float,
    credible_accuracy_m: float,
    late: bool = False,
    suspect: bool = False,
) -> Verified:
    """Grade a check-in.

    Nobody is turned away: a check-in from afar is recorded as a person's word, and listings that
    need more than that stay locked. decisions/0020 gives the reasons of the grades.

    Args:
        method: How it was made; with a code that speaks for nothing, by a button.
        distance_m: Metres from the position to the edge of the nearest watched area of the place,
            negative inside; None where no position was given or the place has no such area.
        accuracy_m: Radius of the position's circle of accuracy.
        credible_accuracy_m: A position that claims to be better is no proof by itself.
        late: Whether it was told so much later that the position and code may be anyone's.
        suspect: Whether the position does not fit the one before it: nobody is that fast.
    """
    where = _Where.UNKNOWN if distance_m is None else _look(distance_m, accuracy_m)
    too_good = distance_m is not None and accuracy_m < credible_accuracy_m
    evidence = _grade(method, where, too_good=too_good, late=late, suspect=suspect)
    if evidence is _BEST[method]:
        return Verified(evidence)
    signs = {
        Doubt.TOLD_LATE: late,
        _DOUBTFUL.get(where, Doubt.NOT_MEASURED): where in _DOUBTFUL,
        Doubt.ACCURACY_TOO_GOOD: too_good,
        Doubt.MOVEMENT_NOT_CREDIBLE: suspect,
    }
    return Verified(evidence, tuple(doubt for doubt in Doubt if signs.get(doubt)))


def _look(distance_m: float, accuracy_m: float) -> _Where:
    if distance_m > accuracy_m + ELSEWHERE_M:
        return _Where.ELSEWHERE
    if accuracy_m > ACCURACY_LIMIT_M:
        return _Where.VAGUE
    if distance_m <= 0:
        return _Where.INSIDE
    containment = locate(distance_m, accuracy_m)
    return _Where.OUTSIDE if containment is Containment.OUTSIDE else _Where.NEAR


def _grade(method: Method, where: _Where, *, too_good: bool, late: bool, suspect: bool) -> Evidence:
    if method is Method.STAFF_SCAN:
        return Evidence.STAFF_SCAN
    if late:
        return Evidence.OFFLINE_CLAIM
    if where is _Where.ELSEWHERE:
        return Evidence.SELF_DECLARED
    if method is Method.ROTATING_CODE and not suspect:
        return Evidence.ROTATING_CODE
    if where in {_Where.INSIDE, _Where.NEAR} and not suspect:
        return Evidence.NEAR if where is _Where.NEAR or too_good else _BEST[method]
    return Evidence.SELF_DECLARED if method is Method.BUTTON else Evidence.CODE
