"""When there has been no sign of life for so long that nobody can be behind a subscription."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.subscriptions.ageing import Patience, Silence, is_lifeless
from tests.factories import NOON

PATIENCE = Patience(unrenewed=timedelta(days=60), unseen=5, unseen_over=timedelta(days=14))


def day(number: int) -> datetime:
    """Noon so many days later."""
    return NOON + timedelta(days=number)


DEAD = Silence(
    created_at=day(0),
    updated_at=day(0),
    last_failure_at=None,
    last_accepted_at=day(54),
    accepted_unseen=5,
    unseen_since=day(40),
)
REFUSED = replace(
    DEAD, last_failure_at=day(14), last_accepted_at=None, accepted_unseen=0, unseen_since=None
)


@pytest.mark.parametrize(
    ("changes", "lifeless"),
    [
        pytest.param({}, True, id="each limit just reached"),
        pytest.param({"updated_at": day(1)}, False, id="renewed 59 days ago"),
        pytest.param({"accepted_unseen": 4}, False, id="four unseen"),
        pytest.param({"unseen_since": day(41)}, False, id="unseen over 13 days"),
        pytest.param(
            {"accepted_unseen": 0, "unseen_since": None}, False, id="the last one was shown"
        ),
        pytest.param(
            {"accepted_unseen": 0, "unseen_since": None, "last_accepted_at": None},
            False,
            id="never pushed to",
        ),
    ],
)
def test_it_takes_all_three(changes: dict[str, Any], lifeless: bool) -> None:  # noqa: FBT001
    """Not renewed, enough unseen, and over long enough."""
    assert is_lifeless(replace(DEAD, **changes), PATIENCE, at=day(60)) is lifeless


@given(renewed=st.integers(0, 90), first=st.integers(0, 90), last=st.integers(0, 90))
def test_who_is_dead_stays_dead_as_time_goes_by(renewed: int, first: int, last: int) -> None:
    """Until there is a sign of life; waiting longer never brings one back."""
    silence = Silence(
        created_at=day(0),
        updated_at=day(renewed),
        last_failure_at=None,
        last_accepted_at=day(max(first, last)),
        accepted_unseen=7,
        unseen_since=day(first),
    )
    verdicts = [is_lifeless(silence, PATIENCE, at=day(90 + later)) for later in range(0, 90, 10)]

    assert verdicts == sorted(verdicts)


@pytest.mark.parametrize(
    ("changes", "lifeless"),
    [
        pytest.param({}, True, id="refused for fourteen days"),
        pytest.param({"last_failure_at": day(13)}, False, id="not for as long"),
        pytest.param({"updated_at": day(1)}, False, id="renewed 59 days ago"),
        pytest.param({"last_failure_at": None}, False, id="never pushed to"),
    ],
)
def test_what_was_never_accepted_is_not_tried_for_ever(
    changes: dict[str, Any], *, lifeless: bool
) -> None:
    """Its push service refuses it, and no browser comes to renew it."""
    assert is_lifeless(replace(REFUSED, **changes), PATIENCE, at=day(60)) is lifeless
