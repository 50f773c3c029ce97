"""A check-in beside where its phone was last."""

import pytest

from geoservices.checkins.verification import Evidence
from tests.walking import FAR, INSIDE, World, ping


@pytest.mark.parametrize(
    ("second", "north", "is_proof"),
    [
        pytest.param(-10, FAR, False, id="two kilometres away ten seconds ago"),
        pytest.param(-600, FAR, True, id="two kilometres away ten minutes ago"),
        pytest.param(-10, INSIDE, True, id="here ten seconds ago"),
        pytest.param(30, INSIDE, True, id="here, by a clock that is ahead"),
    ],
)
def test_a_leap_that_nobody_makes_is_no_proof_of_being_there(
    world: World, second: float, north: float, *, is_proof: bool
) -> None:
    """The check-in is recorded all the same."""
    world.walk(ping(second, north))

    made = world.check_in()

    assert (made.evidence == Evidence.INSIDE) is is_proof
