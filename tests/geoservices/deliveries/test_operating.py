"""What operators see of push services."""

import pytest

from geoservices.deliveries import operating
from geoservices.subscriptions.models import Subscription
from tests.factories import NOON
from tests.notifying import GONE, KEY, REFUSED, World, moment

MOZILLA = "https://updates.push.services.mozilla.com"


def test_at_first_there_is_nothing_to_see(world: World) -> None:
    """And it says so."""
    assert operating.report(world.session, at=NOON) == "Nothing was pushed yet."


def test_a_closed_push_service_is_shown_with_its_reason(world: World) -> None:
    """One line, with what to do and until when."""
    for _ in range(5):
        world.subscribe()
    world.settle_all([(sending, REFUSED) for sending in world.claim(*world.notify())])

    told = operating.report(world.session, at=moment(2))

    assert told.startswith(f"{MOZILLA}  key {KEY[:12]}…  It refuses our pushes (403 vapid-refused)")
    assert told.endswith("Closed until 2026-03-04 12:01:01 UTC.")


def test_a_trusted_push_service_is_believed(world: World) -> None:
    """Its next word ends the subscriptions that were spared."""
    subscriptions = [world.subscribe() for _ in range(12)]
    deliveries = world.notify()
    world.settle_all([(sending, GONE) for sending in world.claim(*deliveries)])

    said = operating.trust(world.session, MOZILLA, at=moment(2))
    later = world.claim(*deliveries, second=700)
    world.settle_all([(sending, GONE) for sending in later], second=701)

    ended = [world.session.get_one(Subscription, one.id).ended_at for one in subscriptions]
    assert said.endswith("is believed until 2026-03-05 12:00:02 UTC")
    assert ended == [moment(701)] * 12


def test_an_unknown_push_service_cannot_be_trusted(world: World) -> None:
    """A typing error changes nothing, and is said."""
    with pytest.raises(ValueError, match=r"push\.example"):
        operating.trust(world.session, "https://push.example", at=NOON)
