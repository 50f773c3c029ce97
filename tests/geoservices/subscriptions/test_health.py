"""How a subscription is doing, from what is known of it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.push.answers import read_answer
from geoservices.subscriptions.health import (
    ENDED_IN_WORDS,
    IN_WORDS,
    OTHERWISE,
    SILENT_AFTER,
    Health,
    Signs,
    end_in_words,
    failure_in_words,
    health_of,
)
from geoservices.subscriptions.models import EndedReason
from tests.factories import NOON

NEW = Signs(
    ended_at=None,
    vapid_key="present",
    last_accepted_at=None,
    last_shown_at=None,
    last_failure_at=None,
    accepted_unseen=0,
)
INSTANTS = st.none() | st.integers(0, 5).map(lambda hours: NOON + timedelta(hours=hours))


def hour(number: int) -> datetime:
    """An hour of that day."""
    return NOON + timedelta(hours=number)


@pytest.mark.parametrize(
    ("known", "health"),
    [
        pytest.param({}, Health.UNPROVEN, id="new"),
        pytest.param(
            {"last_accepted_at": hour(1), "accepted_unseen": 2}, Health.UNPROVEN, id="on its way"
        ),
        pytest.param(
            {"last_accepted_at": hour(1), "last_shown_at": hour(2)}, Health.WORKING, id="shown"
        ),
        pytest.param(
            {"last_accepted_at": hour(3), "last_shown_at": hour(2), "accepted_unseen": 2},
            Health.WORKING,
            id="shown, and more on its way",
        ),
        pytest.param(
            {"last_accepted_at": hour(3), "last_shown_at": hour(2), "accepted_unseen": 3},
            Health.FAILING,
            id="shown once, and no more",
        ),
        pytest.param({"last_failure_at": hour(1)}, Health.FAILING, id="only ever failed"),
        pytest.param(
            {"last_accepted_at": hour(1), "last_failure_at": hour(2)},
            Health.FAILING,
            id="failed last",
        ),
        pytest.param(
            {"last_accepted_at": hour(2), "last_failure_at": hour(1)},
            Health.UNPROVEN,
            id="failed, then accepted",
        ),
        pytest.param(
            {"last_accepted_at": hour(1), "last_shown_at": hour(3), "last_failure_at": hour(2)},
            Health.WORKING,
            id="shown after the failure",
        ),
        pytest.param(
            {"vapid_key": "old", "last_failure_at": hour(1)},
            Health.OUTDATED_KEY,
            id="an old key: the remedy for both",
        ),
        pytest.param({"vapid_key": "old", "ended_at": hour(1)}, Health.ENDED, id="ended"),
    ],
)
def test_health_follows_from_what_is_known(known: dict[str, Any], health: Health) -> None:
    """By the present key."""
    assert health_of(replace(NEW, **known), current_key="present") is health


@given(
    st.builds(
        Signs,
        ended_at=INSTANTS,
        vapid_key=st.sampled_from(["present", "old"]),
        last_accepted_at=INSTANTS,
        last_shown_at=INSTANTS,
        last_failure_at=INSTANTS,
        accepted_unseen=st.integers(0, 6),
    )
)
def test_health_never_promises_too_much(signs: Signs) -> None:
    """What works was shown, is not silent, has not ended, and has the present key."""
    health = health_of(signs, current_key="present")

    if health is Health.WORKING:
        assert signs.last_shown_at is not None
    if health in {Health.WORKING, Health.UNPROVEN}:
        assert signs.accepted_unseen < SILENT_AFTER
        assert signs.vapid_key == "present"
    assert (health is Health.ENDED) == (signs.ended_at is not None)


@pytest.mark.parametrize(
    "status", [200, 301, 400, 401, 403, 404, 406, 410, 413, 418, 429, 500, 503]
)
def test_every_answer_of_a_push_service_has_words(status: int) -> None:
    """And they are sentences."""
    told = failure_in_words(read_answer(status, {}, at=NOON).reason)

    assert told is not None
    assert told.endswith(".")
    assert " " in told


def test_unknown_reasons_are_told_in_general() -> None:
    """Such as the name of an exception; it is never shown itself."""
    assert failure_in_words("ClientOSError") == OTHERWISE
    assert failure_in_words(None) is None


def test_every_reason_to_end_has_words() -> None:
    """Whatever the table may hold."""
    assert set(ENDED_IN_WORDS) == set(EndedReason)
    assert end_in_words(None) is None
    assert all(told.endswith(".") for told in [*IN_WORDS.values(), *ENDED_IN_WORDS.values()])
