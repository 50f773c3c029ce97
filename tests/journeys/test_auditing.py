"""The audit finds what it is for: whatever is lost, doubled, misled or unexplained."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journeys.auditing import (
    Books,
    Browser,
    Delivery,
    Message,
    Occasion,
    Post,
    Street,
    audit,
    figures,
    screen,
)

Case = tuple[Street, Books]

ANNA = Occasion("anna", "offer", "check-in 1")
BEN = Occasion("ben", "offer", "check-in 2")


def good() -> Case:
    """Two people with three browsers, whose messages all went their way.

    Anna's phone got its message twice, since an answer was lost; Ben has given up his tablet.
    """
    street = Street(
        intended=[ANNA, BEN],
        browsers={
            "phone": Browser("anna", living=True),
            "laptop": Browser("ben", living=True),
            "tablet": Browser("ben", living=False),
        },
        posts=[
            Post("phone", "a1", None, stored=True),
            Post("phone", "a1", 201, stored=True),
            Post("laptop", "b1", 429, stored=False),
            Post("laptop", "b1", 201, stored=True),
            Post("tablet", "b1", 410, stored=False),
        ],
        messages={"phone": [Message("a1", "a1")] * 2, "laptop": [Message("b1", "b1")]},
        said={("phone", "a1"): frozenset({"shown", "clicked"})},
    )
    books = Books(
        decisions=[(ANNA, None), (BEN, None)],
        notifications={"a1": [ANNA], "b1": [BEN]},
        deliveries=[
            Delivery("a1", "phone", "clicked", (None, "accepted"), ("shown", "clicked")),
            Delivery("b1", "laptop", "accepted", ("throttled", "accepted"), ()),
            Delivery("b1", "tablet", "gone", ("gone",), ()),
        ],
        waiting=0,
    )
    return street, books


def test_a_run_without_fault_has_none() -> None:
    """Whatever was sent again was explained, and seen once."""
    street, books = good()

    assert audit(street, books) == []
    assert figures(street, books) == {
        "intakes": 2,
        "notifications": 2,
        "deliveries": 3,
        "attempts": 5,
        "cut_off": 1,
        "posts": 5,
        "doubles_at_push_service": 1,
        "doubles_replaced_by_tag": 1,
        "receipts": 2,
    }


def outside(**changes: Any) -> Callable[[Case], Case]:
    """Change what was seen outside; each change is given what it was."""
    return lambda case: (
        replace(case[0], **{name: to(getattr(case[0], name)) for name, to in changes.items()}),
        case[1],
    )


def inside(**changes: Any) -> Callable[[Case], Case]:
    """Change what the tables say."""
    return lambda case: (
        case[0],
        replace(case[1], **{name: to(getattr(case[1], name)) for name, to in changes.items()}),
    )


def with_delivery(index: int, **changes: Any) -> Callable[[Case], Case]:
    """Change one delivery."""
    return inside(
        deliveries=lambda all_: [
            one._replace(**changes) if number == index else one for number, one in enumerate(all_)
        ]
    )


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        pytest.param(
            outside(messages=lambda all_: {**all_, "laptop": []}),
            "laptop never showed b1: it is lost",
            id="a message that never came",
        ),
        pytest.param(
            inside(deliveries=lambda all_: all_[1:]),
            "a1 has 0 deliveries to phone",
            id="a delivery that was never made",
        ),
        pytest.param(
            inside(notifications=lambda all_: {"b1": all_["b1"]}),
            f"{ANNA} was told 0 times instead of 1",
            id="a notification that was never written",
        ),
        pytest.param(
            inside(decisions=lambda all_: all_[1:]),
            f"{ANNA} was decided 0 times instead of 1",
            id="a check-in that no campaign decided on",
        ),
        pytest.param(
            inside(decisions=lambda all_: [*all_, all_[0]]),
            f"{ANNA} was decided 2 times instead of 1",
            id="a check-in that was decided on twice",
        ),
        pytest.param(
            inside(notifications=lambda all_: {**all_, "a2": [ANNA]}),
            f"{ANNA} was told 2 times instead of 1",
            id="two notifications of one thing",
        ),
        pytest.param(
            outside(intended=lambda all_: all_[1:]),
            f"{ANNA} was told 1 times instead of 0",
            id="a notification of what never happened",
        ),
        pytest.param(
            inside(decisions=lambda all_: [(ANNA, "cap"), *all_[1:]]),
            f"{ANNA} was held back by cap",
            id="a notification that was held back",
        ),
        pytest.param(
            outside(
                messages=lambda all_: {**all_, "phone": [Message("t1", "a1"), Message("t2", "a1")]}
            ),
            "phone shows a1 2 times",
            id="two copies side by side, under two tags",
        ),
        pytest.param(
            outside(messages=lambda all_: {**all_, "phone": [*all_["phone"], Message("b1", "b1")]}),
            "phone shows b1, which is another person's",
            id="somebody else's message",
        ),
        pytest.param(
            outside(messages=lambda all_: {**all_, "phone": [*all_["phone"], Message("x", "x")]}),
            "phone shows x, which is no notification",
            id="a message from nowhere",
        ),
        pytest.param(
            with_delivery(0, token="laptop"),
            "a1 has 1 deliveries to laptop",
            id="a delivery to somebody else's browser",
        ),
        pytest.param(
            with_delivery(0, token="nobody's"),
            "a1 has 1 deliveries to nobody's, which nobody knows",
            id="a delivery to a browser that nobody has",
        ),
        pytest.param(
            outside(posts=lambda all_: [*all_, Post("phone", "z9", 201, stored=True)]),
            "1 POSTs of z9 to phone belong to no delivery",
            id="a POST that nobody can explain",
        ),
        pytest.param(
            outside(posts=lambda all_: [*all_, all_[1]]),
            "a1 was posted 3 times in 2 attempts",
            id="a POST without an attempt",
        ),
        pytest.param(
            outside(posts=lambda all_: [all_[0], *all_[2:]]),
            "a1 counts as accepted, and no POST was",
            id="an attempt that claims what the push service denies",
        ),
        pytest.param(
            outside(posts=lambda all_: all_[2:]),
            "a1 is clicked, and the push service has no copy",
            id="a delivery that was never posted",
        ),
        pytest.param(
            with_delivery(1, state="sending"),
            "b1 ended as sending at laptop",
            id="a delivery left over",
        ),
        pytest.param(
            with_delivery(1, state="failed"),
            "b1 ended as failed at laptop",
            id="a delivery given up",
        ),
        pytest.param(
            with_delivery(1, state="gone"),
            "laptop is gone, and the push service never said so",
            id="a browser struck off by mistake",
        ),
        pytest.param(
            with_delivery(0, receipts=("shown", "clicked", "shown")),
            "a1 has a receipt twice from phone",
            id="a receipt counted twice",
        ),
        pytest.param(
            with_delivery(0, receipts=("shown",)),
            "of ('phone', 'a1') ['clicked', 'shown'] was said, and ['shown'] is kept",
            id="a receipt that was lost",
        ),
        pytest.param(
            with_delivery(1, receipts=("shown",)),
            "of ('laptop', 'b1') [] was said, and ['shown'] is kept",
            id="a receipt that nobody sent",
        ),
        pytest.param(inside(waiting=lambda _: 2), "2 messages are left in the outbox", id="outbox"),
    ],
)
def test_each_fault_is_found(spoil: Callable[[Case], Case], fault: str) -> None:
    """And told by its name."""
    assert fault in audit(*spoil(good()))


def test_what_a_browser_that_was_given_up_did_not_get_is_no_fault() -> None:
    """Its push service said that it is gone, or would have."""
    for state in ("gone", "queued"):
        street, books = with_delivery(2, state=state)(good())
        assert audit(street, books) == []
    assert audit(*inside(deliveries=lambda all_: all_[:2])(good())) == [
        "1 POSTs of b1 to tablet belong to no delivery"
    ]


@given(st.data())
def test_no_row_may_be_missing_and_none_too_many(data: st.DataObject) -> None:
    """Whichever decision, notification, delivery of the living or message it is."""
    street, books = good()
    what = data.draw(st.sampled_from(["decisions", "deliveries", "intended", "messages"]))
    if what == "messages":
        token = data.draw(st.sampled_from(["phone", "laptop"]))
        spoilt = outside(messages=lambda all_: {**all_, token: []})
    else:
        side, rows = (
            (inside, getattr(books, what, None))
            if what != "intended"
            else (
                outside,
                street.intended,
            )
        )
        assert rows is not None
        index = data.draw(st.integers(0, 1))
        twice = data.draw(st.booleans())
        changed = [*rows, rows[index]] if twice else [*rows[:index], *rows[index + 1 :]]
        spoilt = side(**{what: lambda _: changed})

    assert audit(*spoilt((street, books))) != []


@given(st.lists(st.sampled_from("abc")))
def test_a_screen_shows_each_tag_once(tags: list[str]) -> None:
    """However often its message comes, and whatever comes between."""
    assert screen(Message(tag, tag) for tag in tags) == dict.fromkeys(tags, 1)
