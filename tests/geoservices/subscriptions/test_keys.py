"""Which keys are in use, as an operator is told."""

from pydantic import SecretStr

from geoservices.push.vapid import make_vapid_key, vapid_public_key
from geoservices.subscriptions import service
from geoservices.subscriptions.keys import lines_of, report
from tests.factories import NOON
from tests.notifying import KEY, PUSH, World, moment

PRESENT, OLD, OLDER = "A" * 87, "B" * 87, "C" * 87


def test_an_old_key_is_kept_until_nobody_uses_it() -> None:
    """Each old one by its number in the settings, with what to do about it."""
    lines = list(lines_of([PRESENT, OLD, OLDER], {PRESENT: 12, OLDER: 3}))

    assert lines == [
        "AAAAAAAAAAAA…  living subscriptions: 12  the present key",
        "BBBBBBBBBBBB…  living subscriptions: 0  old key 1; it has drained: drop it",
        "CCCCCCCCCCCC…  living subscriptions: 3  old key 2; still needed",
    ]


def test_a_key_that_is_not_in_the_settings_is_warned_of() -> None:
    """Somebody dropped it too early; the browsers behind it hear nothing."""
    [present, warning] = lines_of([PRESENT], {OLD: 2})

    assert "living subscriptions: 0" in present
    assert warning.startswith("BBBBBBBBBBBB…  living subscriptions: 2  WARNING: unknown")


def test_a_key_that_is_in_the_settings_twice_is_told() -> None:
    """The present one among the old ones, most likely."""
    [_present, twice] = lines_of([PRESENT, PRESENT], {PRESENT: 1})

    assert "old key 1; it is in the settings twice: drop this one" in twice


def test_the_living_on_living_devices_are_counted(world: World) -> None:
    """Who ended a subscription or lost the device is not waited for."""
    device, revoked = world.device(), world.device()
    revoked.revoked_at = NOON
    old = world.subscribe(device)
    for one in (world.subscribe(device), world.subscribe(revoked), old):
        one.vapid_key = vapid_public_key(PUSH)
    service.unsubscribe(world.session, old.id, device_id=device.id, at=moment(1))
    world.session.flush()
    new = PUSH.model_copy(
        update={
            "vapid_private_key": SecretStr(make_vapid_key()),
            "vapid_old_private_keys": (PUSH.vapid_private_key,),
        }
    )

    told = report(world.session, new).splitlines()

    assert told == [
        f"{vapid_public_key(new)[:12]}…  living subscriptions: 0  the present key",
        f"{KEY[:12]}…  living subscriptions: 1  old key 1; still needed",
    ]
