"""What service workers say: taken once, in any order, and never against what is known."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from geoservices.deliveries.models import Delivery, Receipt
from geoservices.deliveries.receipts import LATEST, Acknowledged, further, happened_at, take
from geoservices.deliveries.states import DeliveryState, ReceiptKind
from geoservices.deliveries.tokens import derive_key, make_token
from geoservices.push.gateway import Outcome
from tests.notifying import (
    ACCEPTED,
    GONE,
    RECEIPT_KEY,
    REFUSED,
    TRANSIENT,
    World,
    moment,
    report,
)

SHOWN, CLICKED, DISMISSED = ReceiptKind.SHOWN, ReceiptKind.CLICKED, ReceiptKind.DISMISSED
WORDS = st.lists(st.sampled_from(ReceiptKind), max_size=6)


def send(world: World, *, browsers: int = 1) -> list[Delivery]:
    """Push a notification to a person's browsers, at 0 s, answered at 1 s."""
    for _ in range(browsers):
        world.subscribe()
    made = world.notify()
    for sending in world.claim(*made):
        world.settle(sending, ACCEPTED)
    return made


def stored(world: World) -> list[str]:
    """The kinds of all receipts."""
    return sorted(world.session.scalars(select(Receipt.kind)))


@pytest.mark.parametrize("kinds", list(permutations(ReceiptKind)), ids=" ".join)
def test_receipts_may_come_in_any_order(world: World, kinds: tuple[ReceiptKind, ...]) -> None:
    """One by one, all at once, or both: a click is the last word, and each is kept once."""
    one, other = send(world, browsers=2)
    for kind in kinds:
        world.acknowledge(one, kind)
    world.acknowledge(other, *kinds)
    again = world.acknowledge(other, *kinds, *kinds)

    assert (one.state, other.state) == (DeliveryState.CLICKED, DeliveryState.CLICKED)
    assert stored(world) == sorted([*ReceiptKind, *ReceiptKind])
    assert again.known == [True] * 6
    assert again.news == []


@given(st.sampled_from(DeliveryState), WORDS, WORDS)
def test_a_delivery_never_goes_back(
    state: DeliveryState, said: list[ReceiptKind], later: list[ReceiptKind]
) -> None:
    """Where it ends depends on what was said, and neither on the order nor on how often."""
    at_once = further(state, said + later)

    assert further(further(state, said), later) == at_once
    assert further(further(state, later), said) == at_once
    assert further(at_once, said) == at_once
    assert at_once == state or at_once.value in {*said, *later}


@given(st.integers(-3600, 3600), st.integers(0, 600))
def test_a_clock_that_is_wrong_is_set_right(told: int, tried: int) -> None:
    """To when it was first sent at the earliest, and to now at the latest."""
    at = moment(600)

    happened = happened_at(moment(told), first_tried_at=moment(tried), at=at)

    assert moment(tried) <= happened <= at
    assert happened == moment(told) or not moment(tried) < moment(told) < at


def test_the_first_word_of_a_kind_is_kept_and_its_time_set_right(world: World) -> None:
    """Of two in one batch the earlier; the delivery was first sent at 0 s."""
    [delivery] = send(world)
    said = [report(delivery.id, second=second) for second in (50, -99, 40)]

    take(world.session, said, keys=[RECEIPT_KEY], at=moment(60))
    world.acknowledge(delivery, SHOWN, second=55)
    world.acknowledge(delivery, CLICKED, second=9999)

    kept = world.session.execute(select(Receipt.kind, Receipt.occurred_at, Receipt.received_at))
    assert {row.kind: tuple(row)[1:] for row in kept} == {
        SHOWN: (moment(0), moment(60)),
        CLICKED: (moment(60), moment(60)),
    }


def test_what_is_new_is_told_once(world: World) -> None:
    """With notification and subscription, so that both can learn of it."""
    one, other = send(world, browsers=2)

    first = world.acknowledge(one, SHOWN)
    second = take(
        world.session,
        [report(one.id, SHOWN), report(one.id, CLICKED), report(other.id, DISMISSED)],
        keys=[RECEIPT_KEY],
        at=moment(61),
    )

    def news(delivery: Delivery, kind: ReceiptKind) -> Acknowledged:
        return Acknowledged(
            delivery.id, delivery.notification_id, delivery.subscription_id, frozenset({kind})
        )

    assert first.news == [news(one, SHOWN)]
    assert second.news == [news(one, CLICKED), news(other, DISMISSED)]


@pytest.mark.parametrize("outcome", [TRANSIENT, ACCEPTED, GONE, REFUSED])
def test_a_receipt_that_overtakes_the_answer_ends_the_sending(
    world: World, outcome: Outcome
) -> None:
    """The screen showed it before the push service's 201 was read, if that ever comes."""
    world.subscribe()
    [delivery] = world.notify()
    [sending] = world.claim(delivery)
    world.acknowledge(delivery, SHOWN, second=2, at=2)
    between = (delivery.state, delivery.reason, delivery.accepted_at, delivery.leased_until)

    world.settle(sending, outcome, second=3)
    again = world.claim(delivery, second=100)

    assert between == (DeliveryState.SHOWN, "the browser told of it first", moment(2), None)
    assert delivery.state == DeliveryState.SHOWN
    assert again == []


@pytest.mark.parametrize("outcome", [TRANSIENT, GONE, REFUSED])
def test_what_was_shown_had_been_accepted(world: World, outcome: Outcome) -> None:
    """The 201 was lost, and the delivery waits for its next try or has been given up."""
    world.subscribe()
    [delivery] = world.notify()
    world.settle(world.claim(delivery)[0], outcome)

    world.acknowledge(delivery, SHOWN)
    again = world.claim(delivery, second=9999)

    assert (delivery.state, delivery.accepted_at) == (DeliveryState.SHOWN, moment(60))
    assert again == []


def test_what_the_push_service_said_first_stays(world: World) -> None:
    """Only the state moves on."""
    [delivery] = send(world)

    world.acknowledge(delivery, CLICKED)

    assert (delivery.reason, delivery.accepted_at) == ("accepted", moment(1))


def test_nothing_is_stored_of_what_is_not_known(world: World) -> None:
    """A token of another key, of a delivery that is no more, or none; the others count."""
    [delivery] = send(world)
    forged = make_token(derive_key(b"another key"), delivery.id)
    said = [
        replace(report(delivery.id), token=token)
        for token in (forged, "", "é", make_token(RECEIPT_KEY, uuid4()), report(delivery.id).token)
    ]

    taken = take(world.session, said, keys=[RECEIPT_KEY], at=moment(60))

    assert taken.known == [False, False, False, False, True]
    assert stored(world) == ["shown"]


@pytest.mark.parametrize("reports", [0, 3])
def test_a_batch_of_forgeries_asks_the_database_nothing(
    world: World, statements: list[str], reports: int
) -> None:
    """Whoever sends millions of them costs a little arithmetic."""
    statements.clear()

    said = [replace(report(uuid4()), token="A" * 44)] * reports
    taken = take(world.session, said, keys=[RECEIPT_KEY], at=moment(60))

    assert taken.known == [False] * reports
    assert statements == []


@pytest.mark.parametrize(("late", "known"), [(timedelta(0), False), (timedelta(seconds=1), True)])
def test_a_receipt_is_taken_for_28_days(world: World, late: timedelta, *, known: bool) -> None:
    """A phone may have been off; after that nobody needs it any more."""
    [delivery] = send(world)

    taken = take(
        world.session, [report(delivery.id)], keys=[RECEIPT_KEY], at=moment(0) + LATEST - late
    )

    assert taken.known == [known]
    assert len(stored(world)) == known


@pytest.mark.parametrize("browsers", [1, 16])
def test_a_batch_takes_a_handful_of_statements(
    world: World, statements: list[str], browsers: int
) -> None:
    """Three to lock, one to store, one to mark as read, one for each state; for one or many."""
    made = send(world, browsers=browsers)
    kinds = list(ReceiptKind)
    said = [report(one.id, kinds[number % 3]) for number, one in enumerate(made)]
    said += [report(one.id, SHOWN) for one in made]
    statements.clear()

    taken = take(world.session, said, keys=[RECEIPT_KEY], at=moment(60))

    assert len(statements) <= 8
    assert all(taken.known)
    assert len(taken.news) == browsers
