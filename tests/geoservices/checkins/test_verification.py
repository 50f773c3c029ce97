"""How much speaks for a check-in."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.checkins.verification import Doubt, Evidence, Method, Verified, verify

CREDIBLE_M = 3.0
WHERE = {
    # Metres to the area's edge, negative inside, and the accuracy in metres.
    "nowhere": (None, 8.0),
    "vague": (-20.0, 201.0),
    "inside": (-20.0, 8.0),
    "near": (5.0, 8.0),
    "outside": (300.0, 8.0),
    "elsewhere": (508.1, 8.0),
}
STATES: dict[str, dict[str, bool]] = {
    "": {},
    "late": {"late": True},
    "suspect": {"suspect": True},
    "late, suspect": {"late": True, "suspect": True},
}

OFFLINE, WORD, CODE = Evidence.OFFLINE_CLAIM, Evidence.SELF_DECLARED, Evidence.CODE
NEAR, INSIDE, CODE_INSIDE = Evidence.NEAR, Evidence.INSIDE, Evidence.CODE_INSIDE
ROTATING, STAFF = Evidence.ROTATING_CODE, Evidence.STAFF_SCAN

TABLE = {
    # Where the position lies:        nowhere, vague, inside, near, outside, elsewhere
    (Method.BUTTON, ""): (WORD, WORD, INSIDE, NEAR, WORD, WORD),
    (Method.BUTTON, "suspect"): (WORD,) * 6,
    (Method.STATIC_CODE, ""): (CODE, CODE, CODE_INSIDE, NEAR, CODE, WORD),
    (Method.STATIC_CODE, "suspect"): (CODE, CODE, CODE, CODE, CODE, WORD),
    (Method.ROTATING_CODE, ""): (ROTATING,) * 5 + (WORD,),
    (Method.ROTATING_CODE, "suspect"): (CODE, CODE, CODE, CODE, CODE, WORD),
    **{
        (method, state): (OFFLINE,) * 6
        for method in (Method.BUTTON, Method.STATIC_CODE, Method.ROTATING_CODE)
        for state in ("late", "late, suspect")
    },
    **{(Method.STAFF_SCAN, state): (STAFF,) * 6 for state in STATES},
}


def graded(method: Method, distance_m: float | None, accuracy_m: float, **state: bool) -> Verified:
    """What a check-in proves where phones are believed down to three metres."""
    return verify(
        method,
        distance_m=distance_m,
        accuracy_m=accuracy_m,
        credible_accuracy_m=CREDIBLE_M,
        **state,
    )


@pytest.mark.parametrize(("method", "state"), list(product(Method, STATES)))
def test_every_combination_has_its_grade(method: Method, state: str) -> None:
    """Method by lateness and suspicion by where the position lies."""
    found = [graded(method, *measured, **STATES[state]).evidence for measured in WHERE.values()]

    assert found == list(TABLE[method, state])


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (Method.BUTTON, NEAR),
        (Method.STATIC_CODE, NEAR),
        (Method.ROTATING_CODE, ROTATING),
        (Method.STAFF_SCAN, STAFF),
    ],
)
def test_an_accuracy_too_good_to_be_true_is_no_proof_of_being_inside(
    method: Method, expected: Evidence
) -> None:
    """It counts as near, as for arrivals; what needs no position keeps its grade."""
    assert graded(method, -20.0, 2.9).evidence is expected
    assert graded(method, -20.0, CREDIBLE_M).doubts == ()


@pytest.mark.parametrize(
    ("distance_m", "accuracy_m", "expected"),
    [
        pytest.param(-3, 50, INSIDE, id="probably inside"),
        pytest.param(0, 8, INSIDE, id="on the line"),
        pytest.param(8, 8, NEAR, id="outside by just the accuracy"),
        pytest.param(8.1, 8, WORD, id="outside beyond doubt"),
        pytest.param(-20, 200, INSIDE, id="just accurate enough to prove anything"),
        pytest.param(-20, 201, WORD, id="too inaccurate to prove anything"),
    ],
)
def test_a_button_is_graded_at_the_limits(
    distance_m: float, accuracy_m: float, expected: Evidence
) -> None:
    """Nobody is turned away; from afar it is a person's word."""
    assert graded(Method.BUTTON, distance_m, accuracy_m).evidence is expected


@pytest.mark.parametrize(
    ("distance_m", "accuracy_m", "expected"),
    [
        pytest.param(508, 8, ROTATING, id="indoors, misplaced by Wi-Fi"),
        pytest.param(508.1, 8, WORD, id="too far for that"),
        pytest.param(2500, 2000, ROTATING, id="the phone knows no better"),
        pytest.param(2501, 2000, WORD, id="however little it knows, not here"),
    ],
)
def test_only_a_position_far_away_contradicts_a_code(
    distance_m: float, accuracy_m: float, expected: Evidence
) -> None:
    """Half a kilometre beyond the accuracy."""
    assert graded(Method.ROTATING_CODE, distance_m, accuracy_m).evidence is expected


@pytest.mark.parametrize(
    ("method", "where", "state", "doubts"),
    [
        (Method.BUTTON, "inside", "", []),
        (Method.BUTTON, "nowhere", "", [Doubt.NOT_MEASURED]),
        (Method.BUTTON, "vague", "", [Doubt.POSITION_TOO_VAGUE]),
        (Method.BUTTON, "near", "", [Doubt.POSITION_OUTSIDE]),
        (Method.BUTTON, "elsewhere", "", [Doubt.POSITION_ELSEWHERE]),
        (Method.BUTTON, "inside", "late", [Doubt.TOLD_LATE]),
        (
            Method.STATIC_CODE,
            "outside",
            "late, suspect",
            [Doubt.TOLD_LATE, Doubt.POSITION_OUTSIDE, Doubt.MOVEMENT_NOT_CREDIBLE],
        ),
        (Method.ROTATING_CODE, "outside", "", []),
        (Method.ROTATING_CODE, "inside", "suspect", [Doubt.MOVEMENT_NOT_CREDIBLE]),
        (Method.STAFF_SCAN, "elsewhere", "late, suspect", []),
    ],
)
def test_what_keeps_the_grade_down_is_told(
    method: Method, where: str, state: str, doubts: list[Doubt]
) -> None:
    """And nothing is told of a check-in that proves all that its method can."""
    assert list(graded(method, *WHERE[where], **STATES[state]).doubts) == doubts


METHODS = st.sampled_from(Method)
METRES = st.floats(-1e4, 1e4)
ACCURACIES = st.floats(0.1, 5e3)
SIGNS = st.sampled_from(list(STATES.values()))


@given(METHODS, METRES, METRES, ACCURACIES, SIGNS)
def test_coming_nearer_never_weakens_the_evidence(
    method: Method, one_m: float, other_m: float, accuracy_m: float, signs: dict[str, bool]
) -> None:
    """With the same accuracy, the nearer of two positions proves at least as much."""
    nearer, farther = (
        graded(method, metres, accuracy_m, **signs).evidence.rank
        for metres in sorted((one_m, other_m))
    )

    assert nearer >= farther


@given(METHODS, st.none() | METRES, ACCURACIES, SIGNS)
def test_signs_of_deceit_never_strengthen_the_evidence(
    method: Method, distance_m: float | None, accuracy_m: float, signs: dict[str, bool]
) -> None:
    """Whatever is told late or moves too fast proves at most what it would without that."""
    clean = graded(method, distance_m, accuracy_m)
    found = graded(method, distance_m, accuracy_m, **signs)

    assert found.evidence.rank <= clean.evidence.rank
    assert bool(found.doubts) == (found.evidence is not graded(method, -20.0, 8.0).evidence)


@given(st.none() | METRES, ACCURACIES, SIGNS)
def test_showing_a_code_never_weakens_the_evidence(
    distance_m: float | None, accuracy_m: float, signs: dict[str, bool]
) -> None:
    """Whoever scans is never worse off than with the button."""
    ranks = [graded(method, distance_m, accuracy_m, **signs).evidence.rank for method in Method]

    assert ranks == sorted(ranks)


def test_evidence_is_ranked_as_the_rules_say() -> None:
    """Listings unlock at a rank or above."""
    assert [evidence.value for evidence in sorted(Evidence, key=lambda one: one.rank)] == [
        "offline-claim",
        "self-declared",
        "code",
        "near",
        "inside",
        "code-inside",
        "rotating-code",
        "staff-scan",
    ]
