"""Tests that people send themselves: what they say, and how often."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from geoservices.deliveries.composing import MAX_PAYLOAD_BYTES
from geoservices.notifications import trying
from geoservices.notifications.models import Notification, NotificationKind
from geoservices.notifications.trying import MOST, PAUSE, WINDOW, TooManyTests, wait_for_next
from tests.factories import NOON, make_person
from tests.notifying import World, moment


def test_a_test_is_a_notification_of_nobodys(world: World) -> None:
    """No organisation, listing or decision is behind it; it is soon worthless."""
    made = trying.write_test(world.session, world.person.id, at=NOON)

    [stored] = world.session.scalars(select(Notification))
    assert stored == made
    assert stored.kind == NotificationKind.TEST
    assert (stored.organisation_id, stored.listing_id, stored.decision_id) == (None, None, None)
    assert stored.expires_at == NOON + timedelta(minutes=10)
    assert len(stored.title + stored.body) < MAX_PAYLOAD_BYTES / 4


def test_one_in_ten_seconds_and_ten_in_an_hour(world: World) -> None:
    """The eleventh has to wait until the first is an hour old; other people's do not count."""
    for number in range(MOST):
        trying.write_test(world.session, world.person.id, at=moment(10 * number))
        with pytest.raises(TooManyTests) as sooner:
            trying.write_test(world.session, world.person.id, at=moment(10 * number + 0.5))
        assert sooner.value.retry_after_s == (10 if number < MOST - 1 else 58 * 60 + 30)

    with pytest.raises(TooManyTests) as eleventh:
        trying.write_test(world.session, world.person.id, at=moment(3000))
    trying.write_test(world.session, make_person(world.session).id, at=moment(3000))
    trying.write_test(world.session, world.person.id, at=moment(3600))

    assert eleventh.value.retry_after_s == 600


@given(st.lists(st.integers(0, 5000), max_size=40))
def test_whoever_waits_as_told_keeps_the_limits(asked: list[int]) -> None:
    """Whenever somebody asks, and never sooner than told."""
    made: list[datetime] = []
    now = NOON
    for pause in asked:
        now += timedelta(milliseconds=pause)
        recent = [at for at in made if at > now - WINDOW]
        wait = wait_for_next(recent, at=now)
        now += max(wait, timedelta(0))
        made.append(now)

    for first, second in pairwise(made):
        assert second - first >= PAUSE
    for first, eleventh in zip(made, made[MOST:], strict=False):
        assert eleventh - first >= WINDOW
