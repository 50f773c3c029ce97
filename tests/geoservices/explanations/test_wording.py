"""Each gate, trigger and check has words for the person it was about."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from geoservices.campaigns.pacing import Told
from geoservices.campaigns.releasing import PASSING
from geoservices.campaigns.rules import (
    BY_LISTINGS,
    BY_RUNS,
    CampaignClass,
    Cap,
    Gate,
    Limits,
    Trigger,
)
from geoservices.explanations.wording import (
    HELD_BACK,
    NOT_PASSED,
    PASSED,
    Cause,
    Check,
    Hold,
    Standing,
    how_to_stop,
    in_words,
    look_into,
    why,
)
from tests.factories import NOON

A_DAY = timedelta(hours=24)
LIMITS = Limits(
    max_age=timedelta(minutes=15),
    person_cap=Cap(messages=6, within=A_DAY),
    class_caps={CampaignClass.OFFER: Cap(messages=3, within=A_DAY)},
    place_cap=Cap(messages=3, within=A_DAY),
)
TOLD = Told(in_window=5, of_class={CampaignClass.OFFER: 2}, here=2)
CAUSE = Cause(
    title="Free hot drink",
    trigger=Trigger.ENTERED,
    campaign_class=CampaignClass.OFFER,
    place="Exeter Library",
    organisation="Devon",
    happened_at=NOON,
    purpose="nearby",
    agreed_text="Tell me of things.",
    agreed_language="en-GB",
    agreed_at=NOON - timedelta(days=200),
    sent_at=NOON,
    time_zone="Europe/London",
)
FINE = Standing(
    place="Exeter Library",
    agrees=True,
    located_at=NOON,
    there_at=NOON,
    watched=True,
    sensitive=False,
    something_on=True,
    time_zone="Europe/London",
    quiet_from=time(22),
    quiet_until=time(7),
    told=TOLD,
    pushable=True,
)
NOT = {
    Check.CONSENT: {"agrees": False},
    Check.POSITION: {"located_at": NOON - timedelta(minutes=31)},
    Check.WATCHED: {"watched": False},
    Check.PRESENCE: {"there_at": None},
    Check.SENSITIVE_PLACE: {"sensitive": True},
    Check.SOMETHING_ON: {"something_on": False},
    Check.QUIET_HOURS: {"quiet_from": time(11), "quiet_until": time(13)},
    Check.CAP: {"told": replace(TOLD, in_window=6)},
    Check.CLASS_CAP: {"told": replace(TOLD, of_class={CampaignClass.OFFER: 3})},
    Check.PLACE_CAP: {"told": replace(TOLD, here=3)},
    Check.PUSH: {"pushable": False},
}


@pytest.mark.parametrize("gate", [None, *Gate])
def test_each_gate_has_words(gate: Gate | None) -> None:
    """Which speak to the person."""
    assert in_words(gate).endswith(".")
    assert "the person" not in in_words(gate)


@pytest.mark.parametrize("trigger", sorted(BY_RUNS))
def test_runs_say_that_the_person_did_nothing(trigger: Trigger) -> None:
    """Nothing of where they were."""
    told = why(replace(CAUSE, trigger=trigger))

    assert told.startswith("Devon told you of “Free hot drink” because ")
    assert "because you " not in told
    assert " on 4 March 2026 at 12:00." in told
    assert ("Exeter Library" in told) == (trigger in BY_LISTINGS)


@pytest.mark.parametrize("trigger", sorted(set(Trigger) - BY_RUNS))
def test_each_trigger_has_words(trigger: Trigger) -> None:
    """With place, time by the person's clock, sender and consent."""
    told = why(replace(CAUSE, trigger=trigger))

    assert "Exeter Library " in told
    assert " on 4 March 2026 at 12:00." in told
    assert told.startswith("Devon told you of “Free hot drink” because you ")
    assert told.endswith("you had agreed to this: “Tell me of things.”")


def test_the_clock_is_the_persons() -> None:
    """In summer it is an hour later in London."""
    assert "on 4 March 2026 at 13:00" in why(replace(CAUSE, time_zone="Europe/Paris"))
    assert "On 16 August 2025 at 13:00 you had agreed" in why(CAUSE)


def test_quiet_hours_do_not_stop_what_is_critical() -> None:
    """So they are not offered as a way to."""
    offered = how_to_stop(CAUSE)
    critical = how_to_stop(replace(CAUSE, campaign_class=CampaignClass.CRITICAL))

    assert [step for step in offered if "preferences" in step]
    assert not [step for step in critical if "preferences" in step]


def test_where_all_is_well_every_check_is_passed() -> None:
    """And each says so in words."""
    found = look_into(FINE, limits=LIMITS, at=NOON)

    assert [one.check for one in found] == list(Check)
    assert all(one.passed for one in found)
    assert PASSED.keys() == NOT_PASSED.keys() == set(Check)


@pytest.mark.parametrize("check", Check)
def test_each_check_fails_by_itself(check: Check) -> None:
    """What is amiss is named, and nothing else."""
    found = look_into(replace(FINE, **NOT[check]), limits=LIMITS, at=NOON)  # type: ignore[arg-type]

    assert [one.check for one in found if not one.passed] == [check]


def test_whatever_makes_a_message_wait_is_told_in_words() -> None:
    """And nothing else is said to."""
    assert set(HELD_BACK) == PASSING


@pytest.mark.parametrize("gate", sorted(PASSING))
def test_why_it_was_told_only_then(gate: Gate) -> None:
    """By the person's own clock, between what happened and what they had agreed to."""
    hold = Hold(gate=gate, held_at=NOON, until=NOON + timedelta(hours=8))

    told = why(replace(CAUSE, holds=[hold], sent_at=NOON + timedelta(hours=8)))

    assert (
        " It was held back on 4 March 2026 at 12:00 until 4 March 2026 at 20:00, because " in told
    )
    assert " It was sent on 4 March 2026 at 20:00. On " in told
