"""Subscriptions kept, renewed and ended."""

from dataclasses import replace

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from geoservices.deliveries.states import DeliveryState
from geoservices.errors import NotFound
from geoservices.push.endpoints import EndpointRefused, SubscriptionKeysRefused, check_keys
from geoservices.push.vapid import make_vapid_key, vapid_public_key
from geoservices.subscriptions import queries, service
from geoservices.subscriptions.models import EndedReason, Subscription
from geoservices.subscriptions.queries import Result
from geoservices.subscriptions.service import MAX_SUBSCRIPTIONS, VapidKeyOutdated
from tests.factories import NOON, make_person
from tests.notifying import KEY, PUSH, World, moment, offer


def test_a_subscription_sent_again_is_renewed(world: World) -> None:
    """One row; its keys may have changed, its beginning has not."""
    device = world.device()
    first = offer()
    again = replace(offer(), endpoint=first.endpoint)

    world.subscribe(device, first)
    world.subscribe(device, again, second=60)

    stored = world.session.scalars(select(Subscription)).one()
    assert (stored.created_at, stored.updated_at) == (NOON, moment(60))
    assert stored.p256dh == check_keys(again.p256dh, again.auth)[0]


def test_a_subscription_that_had_ended_lives_again(world: World) -> None:
    """The browser is back."""
    device, offered = world.device(), offer()
    ended = world.subscribe(device, offered)
    service.unsubscribe(world.session, ended.id, device_id=device.id, at=moment(1))
    world.session.flush()

    world.subscribe(device, offered, second=60)

    assert world.session.scalars(select(Subscription.ended_at)).all() == [None]


def test_a_browser_that_registers_anew_takes_its_subscription_with_it(world: World) -> None:
    """Whoever uses the browser now is told; the one before is not told there any more."""
    offered, other = offer(), make_person(world.session)
    world.subscribe(world.device(), offered)
    [queued] = world.notify()

    world.subscribe(world.device(other), offered)
    sendings = world.claim(queued)

    people = [world.person.id, other.id]
    owned = queries.subscriptions_of_people(world.session, people)
    assert list(owned) == [other.id]
    assert sendings == []
    assert queued.state == DeliveryState.GONE


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        pytest.param(
            {"endpoint": "https://push.evil.example/x"}, EndpointRefused, id="an unknown host"
        ),
        pytest.param({"endpoint": "http://127.0.0.1:9/x"}, EndpointRefused, id="a private address"),
        pytest.param({"auth": "AAAA"}, SubscriptionKeysRefused, id="a short secret"),
        pytest.param({"p256dh": "A" * 87}, SubscriptionKeysRefused, id="no point on the curve"),
        pytest.param({"application_server_key": "old"}, VapidKeyOutdated, id="an old key"),
    ],
)
def test_an_unusable_subscription_is_refused(
    world: World, changes: dict[str, str], refusal: type[Exception]
) -> None:
    """And nothing is stored."""
    with pytest.raises(refusal):
        world.subscribe(offered=replace(offer(), **changes))

    assert world.session.scalars(select(Subscription)).all() == []


def test_unsubscribing_is_for_the_device_whose_it_is(world: World) -> None:
    """Twice is as good as once."""
    device = world.device()
    subscription = world.subscribe(device)

    with pytest.raises(NotFound):
        service.unsubscribe(world.session, subscription.id, device_id=world.device().id, at=NOON)
    for second in (1, 2):
        service.unsubscribe(world.session, subscription.id, device_id=device.id, at=moment(second))

    assert subscription.ended_at == moment(1)
    assert queries.subscriptions_of_device(world.session, device.id) == []


def test_the_seventeenth_subscription_ends_the_one_renewed_longest_ago(world: World) -> None:
    """Whichever of the person's devices has it; a revoked device's and others' are not counted."""
    phone, laptop, revoked = (world.device() for _ in range(3))
    others = world.subscribe(world.device(make_person(world.session)))
    lost = world.subscribe(revoked)
    revoked.revoked_at = NOON
    first = offer()
    made = [
        world.subscribe(phone if number % 2 else laptop, first if number == 0 else None, second=1)
        for number in range(MAX_SUBSCRIPTIONS)
    ]
    for number, one in enumerate(made):
        one.updated_at = moment(number)
    world.subscribe(laptop, first, second=50)

    last = world.subscribe(phone, second=60)

    ended = [one for one in [*made, last, lost, others] if one.ended_at is not None]
    assert ended == [made[1]]
    assert (made[1].ended_at, made[1].ended_reason) == (moment(60), EndedReason.TOO_MANY)


def test_a_replaced_subscription_ends(world: World) -> None:
    """It says by which, and saying so again changes nothing."""
    old, anew = world.subscribe(), offer()

    new = world.replace(old, offered=anew)
    again = world.replace(old, offered=anew, second=20)

    assert (old.ended_at, old.ended_reason) == (moment(10), EndedReason.REPLACED)
    assert old.replaced_by == new.id == again.id
    assert new.ended_at is None


def test_what_is_not_the_persons_is_not_replaced(world: World) -> None:
    """Nor what nobody has; both are passed over, so that nobody finds out what others have."""
    theirs = world.subscribe(world.device(make_person(world.session)))
    mine = world.device()

    made = [
        world.replace(theirs, mine),
        world.replace(Subscription(endpoint="https://nowhere.example/"), mine),
    ]

    assert theirs.ended_at is None
    assert [one.ended_at for one in made] == [None, None]


def test_a_subscription_does_not_replace_itself(world: World) -> None:
    """A browser that names what it still has renews it."""
    device, offered = world.device(), offer()
    one = world.subscribe(device, offered)

    same = world.replace(one, offered=offered)

    assert (same.id, same.ended_at, same.replaced_by) == (one.id, None, None)


def test_a_replaced_subscription_that_comes_back_lives_again(world: World) -> None:
    """With nothing left of its end."""
    device, offered = world.device(), offer()
    old = world.subscribe(device, offered)
    world.replace(old)

    back = world.subscribe(device, offered, second=30)

    assert back.id == old.id
    assert (back.ended_at, back.ended_reason, back.replaced_by) == (None, None, None)


OLD_KEY = SecretStr(make_vapid_key())
ROTATED = PUSH.model_copy(update={"vapid_old_private_keys": (OLD_KEY,)})
OLD_PUBLIC_KEY = vapid_public_key(PUSH.model_copy(update={"vapid_private_key": OLD_KEY}))


@pytest.mark.parametrize(
    ("key", "renewed"),
    [
        pytest.param(OLD_PUBLIC_KEY, True, id="an old key that is known"),
        pytest.param("B" * 87, False, id="a key that is not"),
    ],
)
def test_an_old_key_goes_on_being_used_until_replaced(
    world: World,
    key: str,
    renewed: bool,  # noqa: FBT001
) -> None:
    """The browser is told to subscribe anew, and meanwhile it is known to be there."""
    device, offered = world.device(), offer()
    one = world.subscribe(device, offered)
    other = world.subscribe()
    one.vapid_key, one.accepted_unseen, one.unseen_since = key, 4, NOON
    world.session.flush()

    for by in (device, world.device(make_person(world.session))):
        with pytest.raises(VapidKeyOutdated):
            service.subscribe(
                world.session,
                device_id=by.id,
                offered=replace(offered, application_server_key=key),
                current_key=KEY,
                push=ROTATED,
                at=moment(60 if by is device else 90),
            )

    world.session.expire_all()
    assert one.ended_at is None
    assert one.device_id == device.id
    assert one.updated_at == (moment(60) if renewed else NOON)
    assert one.accepted_unseen == (0 if renewed else 4)
    assert other.updated_at == NOON


def test_a_browser_that_registers_anew_brings_no_past_with_it(world: World) -> None:
    """When the person before was shown something is no business of the one after."""
    offered, device = offer(), world.device()
    one = world.subscribe(device, offered)
    queries.record_results(world.session, [Result(one.id, NOON), Result(one.id, NOON, "timeout")])
    queries.seen(world.session, [one.id], at=moment(1))

    same = world.subscribe(device, offered, second=5)
    kept = same.last_shown_at
    taken = world.subscribe(world.device(make_person(world.session)), offered, second=9)

    assert kept == moment(1)
    assert taken.id == one.id
    assert (taken.last_accepted_at, taken.last_shown_at) == (None, None)
    assert (taken.last_failure_at, taken.last_failure_reason) == (None, None)
