"""The gates: each alone, all in order, and quiet hours by the person's own clock."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.campaigns.cooldowns import CooldownPer
from geoservices.campaigns.rules import (
    CampaignClass,
    Cap,
    Circumstances,
    Gate,
    Limits,
    Terms,
    Trigger,
)
from geoservices.campaigns.rulings import Ruling, decide
from geoservices.campaigns.windows import Weekday, Weekly, Window, within
from geoservices.places.hours import OpenState

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
A_DAY = timedelta(hours=24)
LIMITS = Limits(
    max_age=timedelta(minutes=15),
    person_cap=Cap(messages=6, within=A_DAY),
    class_caps={
        CampaignClass.OFFER: Cap(messages=2, within=A_DAY),
        CampaignClass.SERVICE: Cap(messages=4, within=A_DAY),
    },
    place_cap=Cap(messages=3, within=timedelta(hours=1)),
)
WORKING_HOURS = Window(days=tuple(Weekday), from_=time(9), until=time(17))
AT_NIGHT = Window(days=tuple(Weekday), from_=time(20), until=time(6))
TERMS = Terms(
    trigger=Trigger.ENTERED,
    campaign_class=CampaignClass.SERVICE,
    purpose="nearby",
    min_confidence=2,
    only_when_open=True,
    cooldown=timedelta(hours=12),
    cooldown_per=CooldownPer.CAMPAIGN,
    weekly=Weekly(windows=(WORKING_HOURS,), time_zone="Europe/London"),
    cap=Cap(messages=3, within=timedelta(days=7)),
)
FINE = Circumstances(
    occurred_at=NOON,
    confidence=3,
    purposes=frozenset({"nearby"}),
    sensitive=False,
    open_state=OpenState.OPEN,
    opens_at=None,
    unclaimable=None,
    time_zone="Europe/London",
    quiet_from=time(22),
    quiet_until=time(7),
    told_in_window=5,
    told_of_class=3,
    told_here=2,
    told_by_campaign=2,
    last_told_at=NOON - timedelta(hours=12),
    told_this_visit=False,
    held_out=False,
)
FAULTS: dict[Gate, dict[str, Any]] = {
    Gate.CONSENT: {"purposes": frozenset()},
    Gate.PURPOSE: {"purposes": frozenset({"check-in-content"})},
    Gate.SENSITIVE_PLACE: {"sensitive": True},
    Gate.RELEVANCE: {"irrelevant": "The campaign has ended."},
    Gate.CONFIDENCE: {"confidence": 1},
    Gate.AGE: {"occurred_at": NOON - timedelta(minutes=15, seconds=1)},
    Gate.OPENING_HOURS: {"open_state": OpenState.CLOSED},
    Gate.QUIET_HOURS: {"quiet_from": time(11), "quiet_until": time(13)},
    Gate.CAP: {"told_in_window": 6},
    Gate.CLASS_CAP: {"told_of_class": 4},
    Gate.PLACE_CAP: {"told_here": 3},
    Gate.CAMPAIGN_CAP: {"told_by_campaign": 3},
    Gate.COOLDOWN: {"last_told_at": NOON - timedelta(hours=11, minutes=59)},
    Gate.CLAIMABLE: {"unclaimable": "It is not on."},
    Gate.DUPLICATE: {"told_this_visit": True},
    Gate.AT_MOST: {"full": 7},
    Gate.HOLD_OUT: {"held_out": True},
}
"""What makes each gate, and no other, say no; that of the schedule asks the campaign alone."""
EARLIER_FAULTS: dict[Gate, dict[str, Any]] = {
    gate: fault for gate, fault in FAULTS.items() if gate is not Gate.PURPOSE
}


def decided(about: Circumstances = FINE, **terms: Any) -> Ruling:
    """Decide at noon."""
    return decide(replace(TERMS, **terms), about, limits=LIMITS, at=NOON)


def test_without_a_cooldown_nothing_is_too_soon() -> None:
    """Two jobs decide at the same time; the one that had to wait has the earlier moment."""
    just_told = replace(FINE, last_told_at=NOON + timedelta(milliseconds=20))

    assert decided(just_told, cooldown=timedelta(0)).sends
    assert decided(just_told, cooldown=timedelta(seconds=1)).gate is Gate.COOLDOWN


def test_when_nothing_speaks_against_it_the_person_is_told() -> None:
    """All gates are passed, in their order."""
    ruling = decided()

    assert ruling.sends
    assert ruling.passed == tuple(Gate)
    assert ruling.reason


@pytest.mark.parametrize("gate", FAULTS)
def test_each_gate_alone_holds_the_message_back(gate: Gate) -> None:
    """It says so, gives a reason, and names those that were passed before it."""
    ruling = decided(replace(FINE, **FAULTS[gate]))

    assert ruling.gate is gate
    assert not ruling.sends
    assert ruling.passed == tuple(Gate)[: list(Gate).index(gate)]
    assert ruling.reason.endswith(".")


@given(st.sets(st.sampled_from(list(EARLIER_FAULTS)), min_size=1))
def test_of_several_gates_the_first_answers(gates: set[Gate]) -> None:
    """Whatever else is wrong; a duplicate alone speaks before the cooldown would."""
    about = FINE
    for gate in gates:
        about = replace(about, **EARLIER_FAULTS[gate])
    expected = gates - {Gate.COOLDOWN} if Gate.DUPLICATE in gates else gates

    ruling = decided(about)

    assert ruling.gate is min(expected, key=list(Gate).index)


def test_no_reason_ever_holds_a_position() -> None:
    """Reasons are shown to managers; the figures in them are counts and times."""
    allowed = {
        "purpose",
        "confidence",
        "min_confidence",
        "age_s",
        "max_age_s",
        "opens_at",
        "time_zone",
        "told_in_window",
        "person_cap",
        "last_told_at",
        "told_by_campaign",
        "campaign_cap",
        "campaign_class",
        "told_of_class",
        "class_cap",
        "told_here",
        "place_cap",
        "cooldown_s",
        "cooldown_per",
        "at_most",
    }

    for fault in FAULTS.values():
        assert set(decided(replace(FINE, **fault)).detail) <= allowed


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        pytest.param({"confidence": 2}, None, id="just sure enough"),
        pytest.param({"occurred_at": NOON - timedelta(minutes=15)}, None, id="just young enough"),
        pytest.param({"occurred_at": NOON + timedelta(minutes=1)}, None, id="a fast clock"),
        pytest.param({"told_in_window": 100}, Gate.CAP, id="far beyond the cap"),
        pytest.param({"last_told_at": None}, None, id="never told before"),
        pytest.param({"open_state": OpenState.UNKNOWN}, Gate.OPENING_HOURS, id="hours unknown"),
        pytest.param(
            {"purposes": frozenset({"nearby", "staff-tasks"})}, None, id="agreed to more besides"
        ),
    ],
)
def test_limits_are_met_exactly(changes: dict[str, Any], gate: Gate | None) -> None:
    """On the line is still within it."""
    assert decided(replace(FINE, **changes)).gate is gate


@pytest.mark.parametrize(
    ("fault", "terms", "gate"),
    [
        pytest.param(
            Gate.SENSITIVE_PLACE,
            {"trigger": Trigger.CHECKED_IN},
            None,
            id="a check-in at a sensitive place is the person's own word",
        ),
        pytest.param(
            Gate.OPENING_HOURS, {"only_when_open": False}, None, id="closed does not matter"
        ),
        pytest.param(
            Gate.CLASS_CAP,
            {"campaign_class": CampaignClass.CRITICAL},
            None,
            id="what is critical is a class without a cap",
        ),
        pytest.param(
            Gate.CONSENT,
            {"campaign_class": CampaignClass.CRITICAL},
            Gate.CONSENT,
            id="but needs consent like any other",
        ),
        pytest.param(
            Gate.QUIET_HOURS,
            {"campaign_class": CampaignClass.OFFER},
            Gate.QUIET_HOURS,
            id="an offer keeps quiet",
        ),
        pytest.param(Gate.COOLDOWN, {"cooldown": timedelta(0)}, None, id="no cooldown"),
        pytest.param(Gate.CAMPAIGN_CAP, {"cap": None}, None, id="no cap of its own"),
        pytest.param(
            Gate.CAMPAIGN_CAP,
            {"campaign_class": CampaignClass.CRITICAL},
            Gate.CAMPAIGN_CAP,
            id="a campaign keeps to its own cap, critical or not",
        ),
        pytest.param(Gate.CONFIDENCE, {"min_confidence": 1}, None, id="content with a guess"),
    ],
)
def test_a_campaigns_terms_decide_which_gates_ask(
    fault: Gate, terms: dict[str, Any], gate: Gate | None
) -> None:
    """The same circumstances under other terms."""
    assert decided(replace(FINE, **FAULTS[fault]), **terms).gate is gate


@pytest.mark.parametrize("gate", [Gate.QUIET_HOURS, Gate.WORKING_HOURS, Gate.CAP, Gate.PLACE_CAP])
def test_what_is_critical_is_so_for_members_alone(gate: Gate) -> None:
    """No citizen is woken by it, or told more than anything else may tell them."""
    citizen = replace(FINE, **{**FAULTS, Gate.WORKING_HOURS: {"off_work": True}}[gate])
    member = replace(citizen, is_member=True)

    critical = [
        decided(about, campaign_class=CampaignClass.CRITICAL).gate for about in (citizen, member)
    ]

    assert critical == [gate, None]
    assert decided(member).gate is gate


def test_outside_its_weekly_windows_a_campaign_is_silent() -> None:
    """After the opening hours and before the quiet ones, which are the person's own."""
    weekly = Weekly(windows=(AT_NIGHT,), time_zone="Europe/London")

    ruling = decided(replace(FINE, **FAULTS[Gate.QUIET_HOURS]), weekly=weekly)

    assert ruling.gate is Gate.SCHEDULE
    assert ruling.passed[-1] is Gate.OPENING_HOURS


def test_closed_says_until_when() -> None:
    """A manager reads when it would have been sent."""
    opens_at = datetime(2026, 3, 5, 9, 0, tzinfo=ZoneInfo("Europe/London"))

    ruling = decided(replace(FINE, open_state=OpenState.CLOSED, opens_at=opens_at))

    assert ruling.reason == "The place is closed until Thursday 09:00."
    assert ruling.detail == {"opens_at": "2026-03-05T09:00:00+00:00"}


def test_figures_are_given_with_the_reason() -> None:
    """Enough to understand the decision without the log."""
    old = decided(replace(FINE, occurred_at=NOON - timedelta(hours=1)))
    capped = decided(replace(FINE, told_in_window=7))

    assert old.reason == "It happened 60 minutes ago; messages go out within 15 minutes."
    assert old.detail == {"age_s": 3600.0, "max_age_s": 900.0}
    assert capped.reason == "The person got 7 messages in the last 24 hours; 6 are allowed."


@pytest.mark.parametrize(
    ("moment", "start", "end", "quiet"),
    [
        pytest.param("12:00", "11:00", "13:00", True, id="within the day"),
        pytest.param("11:00", "11:00", "13:00", True, id="as it begins"),
        pytest.param("13:00", "11:00", "13:00", False, id="as it ends"),
        pytest.param("23:30", "22:00", "07:00", True, id="before midnight"),
        pytest.param("00:00", "22:00", "07:00", True, id="at midnight"),
        pytest.param("06:59", "22:00", "07:00", True, id="before seven"),
        pytest.param("07:00", "22:00", "07:00", False, id="at seven"),
        pytest.param("21:59", "22:00", "07:00", False, id="before ten"),
        pytest.param("12:00", "12:00", "12:00", False, id="from noon until noon is never"),
    ],
)
def test_quiet_hours_may_run_over_midnight(
    moment: str, start: str, end: str, *, quiet: bool
) -> None:
    """From the start until before the end."""
    at, quiet_from, quiet_until = map(time.fromisoformat, (moment, start, end))

    assert within(at, quiet_from, quiet_until) is quiet


@given(st.times(), st.times(), st.times())
def test_a_time_is_either_in_the_quiet_hours_or_in_the_rest(
    moment: time, start: time, end: time
) -> None:
    """The hours from end to start are what remains of the day."""
    if start != end:
        assert within(moment, start, end) is not within(moment, end, start)


@pytest.mark.parametrize(
    ("at", "time_zone", "quiet"),
    [
        pytest.param("2026-03-04T21:30", "Europe/London", False, id="half past nine in London"),
        pytest.param("2026-03-04T21:30", "Europe/Paris", True, id="half past ten in Paris"),
        pytest.param("2026-03-04T21:30", "America/New_York", False, id="afternoon in New York"),
        pytest.param("2026-03-04T21:30", "Asia/Tokyo", True, id="half past six in Tokyo"),
        pytest.param("2026-07-04T21:30", "Europe/London", True, id="summer time in London"),
        pytest.param("2026-03-29T00:59", "Europe/London", True, id="before the missing hour"),
        pytest.param("2026-03-29T05:59", "Europe/London", True, id="06:59 in summer"),
        pytest.param("2026-03-29T06:00", "Europe/London", False, id="07:00 in summer"),
        pytest.param("2026-10-25T06:59", "Europe/London", True, id="06:59 in winter"),
        pytest.param("2026-10-25T07:00", "Europe/London", False, id="07:00 in winter"),
    ],
)
def test_quiet_hours_are_by_the_persons_own_clock(at: str, time_zone: str, *, quiet: bool) -> None:
    """From ten in the evening until seven, wherever they are and whatever the season."""
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    about = replace(FINE, occurred_at=moment, time_zone=time_zone, last_told_at=None)

    terms = replace(TERMS, weekly=Weekly(windows=(), time_zone="UTC"))
    ruling = decide(terms, about, limits=LIMITS, at=moment)

    assert ruling.gate is (Gate.QUIET_HOURS if quiet else None)


@pytest.mark.parametrize("missing", ["quiet_from", "quiet_until"])
def test_half_a_span_of_quiet_hours_is_none(missing: str) -> None:
    """Both ends or nothing."""
    about = replace(FINE, **{**FAULTS[Gate.QUIET_HOURS], missing: None})

    assert decided(about).sends
