"""What a replay says of itself, whatever came of it."""

import pytest

from geoservices.campaigns.replaying_results import Asked, result_of
from geoservices.campaigns.rules import Trigger
from tests.factories import NOON, make_definition
from tests.replaying import NOBODY


@pytest.mark.parametrize(
    ("triggers", "said"),
    [
        pytest.param((Trigger.ENTERED, Trigger.CHECKED_IN), None, id="what people do"),
        pytest.param((Trigger.NOW,), "Nothing that people do at places sets it off", id="runs"),
        pytest.param(
            (Trigger.ENTERED, Trigger.SCHEDULE, Trigger.NOW),
            "It also tells people by runs (schedule, now), wherever they are. Those are not",
            id="both",
        ),
    ],
)
def test_runs_that_are_not_looked_at_are_owned_up_to(
    triggers: tuple[Trigger, ...], said: str | None
) -> None:
    """Whether they are all there is or come besides."""
    asked = Asked(
        definition=make_definition(triggers=triggers),
        since=NOON,
        until=NOON,
        time_zone="Europe/London",
        elsewhere=0,
    )

    caveats = result_of(NOBODY, asked, secret=b"", smallest=10).caveats

    assert len(caveats) == (3 if said is None else 4)
    if said is not None:
        assert caveats[3].startswith(said)
