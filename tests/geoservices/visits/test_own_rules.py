"""Rules of presence that are a geofence's or an organisation's own, followed through the tables."""

from typing import Any

import pytest

from geoservices.visits.models import Visit
from geoservices.visits.transitions import Reason
from tests.factories import make_geofence, make_place
from tests.walking import ENTERED, EXITED, FAR, INSIDE, World, moment, ping


def walked(world: World, *pings: Any) -> dict[Any, list[tuple[str, str, int]]]:
    """What a walk told of each geofence: what, why and how surely."""
    told: dict[Any, list[tuple[str, str, int]]] = {}
    for made in world.walk(*pings).transitions:
        change = made.change
        told.setdefault(made.geofence_id, []).append(
            (change.kind, change.reason, change.confidence)
        )
    return told


def test_a_geofence_follows_its_own_rules_beside_others(world: World) -> None:
    """Two of the same shape, of which one waits longer before it believes that people left."""
    patient = make_geofence(
        world.session,
        make_place(world.session, world.organisation),
        presence={"confirm_exit_after": "PT20M"},
    )

    told = walked(world, ping(0, INSIDE), *(ping(second, FAR) for second in (120, 240, 360)))

    [other] = set(told) - {patient.id}
    assert [kind for kind, _why, _how in told[patient.id]] == [ENTERED]
    assert [kind for kind, _why, _how in told[other]] == [ENTERED, EXITED]
    assert world.wait(400) == 0


def test_a_geofence_lies_over_its_organisation(world: World) -> None:
    """What the organisation says holds where the geofence says nothing."""
    world.organisation.presence = {"confirm_exit_after": "PT20M"}
    hasty = make_geofence(
        world.session,
        make_place(world.session, world.organisation),
        presence={"confirm_exit_after": "PT1M"},
    )
    world.session.flush()

    told = walked(world, ping(0, INSIDE), *(ping(second, FAR) for second in (120, 240)))

    [other] = set(told) - {hasty.id}
    assert [kind for kind, _why, _how in told[hasty.id]] == [ENTERED, EXITED]
    assert [kind for kind, _why, _how in told[other]] == [ENTERED]


def test_timers_follow_own_rules_too(world: World) -> None:
    """Silence ends a stay when the geofence says so."""
    make_geofence(
        world.session,
        make_place(world.session, world.organisation),
        presence={"silence": "PT4H"},
    )
    world.walk(ping(0, INSIDE))

    world.wait(31 * 60)

    open_visits = world.session.query(Visit).filter(Visit.exited_at.is_(None)).all()
    assert len(open_visits) == 1
    assert (EXITED, moment(0)) in world.transitions()


@pytest.mark.parametrize(("reach_m", "told_of"), [(0, []), (60, [(ENTERED, 1)])])
def test_who_stays_within_reach_has_arrived_where_a_geofence_says_so(
    world: World, reach_m: float, told_of: list[tuple[str, int]]
) -> None:
    """Outside all the while, with a circle that touches; never more than confidence 1."""
    own = make_geofence(
        world.session,
        make_place(world.session, world.organisation),
        half_deg=0.0005,
        presence={"reach_m": reach_m},
    )
    outside = 0.0005 + 0.0003

    pings = [ping(20.0 * number, outside, accuracy_m=45) for number in range(12)]
    told = walked(world, *pings)

    assert [(kind, how) for kind, _why, how in told.get(own.id, [])] == told_of
    assert {why for _kind, why, _how in told.get(own.id, [])} <= {Reason.WITHIN_REACH}
