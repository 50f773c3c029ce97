"""How often somebody who does nothing for it is told: each trigger counts by itself."""

from datetime import timedelta
from typing import Any

import pytest

from geoservices.access.rights import Role
from geoservices.campaigns.paces import paces_of
from geoservices.campaigns.rules import Cap, Trigger
from tests.factories import make_definition

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ENTERED, SCHEDULE, NOW = Trigger.ENTERED, Trigger.SCHEDULE, Trigger.NOW


@pytest.mark.parametrize(
    ("triggers", "gap", "definition", "too_fast"),
    [
        pytest.param((SCHEDULE,), HOUR, {"cooldown": HOUR}, {SCHEDULE}, id="hourly"),
        pytest.param((SCHEDULE, NOW), HOUR, {"cooldown": HOUR}, {SCHEDULE}, id="and by hand"),
        pytest.param((SCHEDULE, ENTERED), HOUR, {"cooldown": HOUR}, {SCHEDULE}, id="and coming by"),
        pytest.param((SCHEDULE, ENTERED), HOUR, {"cooldown": 2 * HOUR}, set(), id="and a cooldown"),
        pytest.param((SCHEDULE, ENTERED), DAY, {"cooldown": 9 * MINUTE}, {ENTERED}, id="passing"),
        pytest.param((SCHEDULE,), DAY, {"cooldown": 0 * HOUR}, set(), id="daily"),
        pytest.param((SCHEDULE,), None, {"cooldown": 0 * HOUR}, set(), id="once"),
        pytest.param(
            (SCHEDULE,),
            HOUR,
            {"cooldown": 0 * HOUR, "cap": Cap(messages=3, within=DAY)},
            set(),
            id="with a cap",
        ),
        pytest.param(
            (SCHEDULE, ENTERED, NOW),
            HOUR,
            {"cooldown": 0 * HOUR, "audience": Role.STAFF},
            {SCHEDULE},
            id="staff",
        ),
        pytest.param(
            (Trigger.CHECKED_IN,), None, {"cooldown": 0 * HOUR}, set(), id="their own act"
        ),
    ],
)
def test_each_trigger_is_judged_by_itself(
    triggers: tuple[Trigger, ...],
    gap: timedelta | None,
    definition: dict[str, Any],
    too_fast: set[Trigger],
) -> None:
    """Whatever others there are besides."""
    asked = make_definition(triggers=triggers, **definition)

    found = paces_of(asked, gap=gap, apart=1)

    assert {one.trigger for one in found if one.is_too_fast} == too_fast


def test_a_cooldown_begins_anew_at_each_place_that_somebody_comes_to() -> None:
    """A timetable's run is about one place, or none."""
    asked = make_definition(triggers=(SCHEDULE, ENTERED), cooldown=3 * HOUR)

    found = {one.trigger: one.length for one in paces_of(asked, gap=HOUR, apart=4)}

    assert found == {SCHEDULE: 3 * HOUR, ENTERED: 45 * MINUTE}
