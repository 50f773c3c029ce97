"""Positions that moved too little to be tested, followed through the tables."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from geoservices.pings.models import Ping
from geoservices.pings.screening import PingReport, Verdict
from geoservices.visits.transitions import TransitionKind
from tests.walking import (
    ENTERED,
    EXITED,
    INSIDE,
    SETTINGS,
    World,
    make_world,
    moment,
    ping,
    verdicts,
)

NEXT_DOOR = 0.0006
"""Degrees north of the library: 67 m, and its wall is at 44 m."""


@pytest.fixture
def gated(session: Session) -> Callable[[float], World]:
    """Make a library and a citizen with a phone, behind a gate of such a share."""

    def make(share: float) -> World:
        world = make_world(session)
        presence = SETTINGS.presence.model_copy(update={"noise_gate": share})
        world.settings = SETTINGS.model_copy(update={"presence": presence})
        return world

    return make


def walked(world: World, *pings: PingReport, piecemeal: bool) -> list[tuple[Any, Any]]:
    """What a walk told, and by when, in one request or in one for each ping."""
    requests = [[one] for one in pings] if piecemeal else [list(pings)]
    taken = [world.walk(*request) for request in requests]
    assert {verdict for one in taken for verdict in verdicts(one)} == {Verdict.ACCEPTED}
    assert world.count(Ping) == len(pings)
    return [(made.change.kind, made.change.at) for one in taken for made in one.transitions]


@pytest.mark.parametrize("piecemeal", [False, True])
@pytest.mark.parametrize(("share", "second"), [(0, 20), (1, 40)])
def test_what_moved_too_little_is_stored_and_not_tested(
    gated: Callable[[float], World], share: float, second: float, *, piecemeal: bool
) -> None:
    """The third ping is far enough from the first, though it is near the second."""
    world = gated(share)

    told = walked(
        world,
        ping(-30, 0.003),
        ping(0, NEXT_DOOR, accuracy_m=60),
        ping(20, INSIDE),
        ping(40, INSIDE - 0.0001),
        piecemeal=piecemeal,
    )

    assert told == [(ENTERED, moment(second))]


def test_the_row_of_a_device_keeps_its_last_tested_position(
    gated: Callable[[float], World],
) -> None:
    """Though it was followed on, and something late came meanwhile."""
    world = gated(1)
    world.walk(ping(0, NEXT_DOOR, accuracy_m=60))

    world.walk(ping(20, INSIDE))
    late = world.walk(ping(10, INSIDE))

    world.session.refresh(world.device)
    assert verdicts(late) == [Verdict.LATE]
    assert (world.device.fix_at, world.device.followed_until) == (moment(0), moment(20))


@pytest.mark.parametrize("piecemeal", [False, True])
@pytest.mark.parametrize(("share", "left"), [(0, 60), (10, 3600)])
def test_what_is_not_tested_keeps_a_visit_alive_until_it_is_leaving(
    gated: Callable[[float], World], share: float, left: float, *, piecemeal: bool
) -> None:
    """133 m away for an hour, then 178 m: from there on every position is tested."""
    world = gated(share)

    told = walked(
        world,
        ping(0, INSIDE),
        *(ping(60.0 * minute, 0.0012) for minute in range(1, 60)),
        *(ping(3600 + 60.0 * minute, 0.0016) for minute in range(4)),
        piecemeal=piecemeal,
    )

    assert told[0] == (ENTERED, moment(0))
    assert told[-1] == (EXITED, moment(left))


@pytest.mark.parametrize("piecemeal", [False, True])
@pytest.mark.parametrize("share", [0, 2])
def test_a_geofence_is_crossed_once(
    gated: Callable[[float], World], share: float, *, piecemeal: bool
) -> None:
    """No line is drawn to a position that is not tested: the next one begins where it did."""
    world = gated(share)

    told = walked(
        world,
        ping(-30, -0.003),
        ping(0, -0.0005, accuracy_m=30),
        ping(20, 0.0005, accuracy_m=30),
        ping(40, 0.001, accuracy_m=30),
        piecemeal=piecemeal,
    )

    assert [kind for kind, _at in told] == [TransitionKind.CROSSED]
