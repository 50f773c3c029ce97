"""What people did and their screens showed, held against what the database says of it.

The one side is known from outside: what was asked of the API and answered, every POST that the
push service saw, and what each browser decrypted. The other side are the service's own tables.
Notifications are known by their ids in hexadecimal digits: the `Topic` of a push, the `tag` and
the last part of the link on screen.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

REACHED = frozenset({"accepted", "shown", "clicked", "dismissed"})
UNFINISHED = frozenset({"queued", "sending"})
GONE_STATUSES = frozenset({404, 410})


class Occasion(NamedTuple):
    """Something that a campaign was to tell a person of, once."""

    person: str
    campaign: str
    what: str


class Post(NamedTuple):
    """One POST as the push service logged it; without a status it hung up."""

    token: str
    topic: str
    status: int | None
    stored: bool


class Message(NamedTuple):
    """One message as a browser decrypted it."""

    tag: str
    notification: str


class Browser(NamedTuple):
    """Whose browser it is, and whether it had its subscription to the end."""

    person: str
    living: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """What is known from outside.

    Attributes:
        intended: What was asked for and answered.
        browsers: By the token of their subscription at the push service.
        posts: In the order in which they came.
        messages: What each browser got, in that order, by its token.
        said: The kinds of receipts that were taken, by token and notification.
    """

    intended: Sequence[Occasion]
    browsers: Mapping[str, Browser]
    posts: Sequence[Post]
    messages: Mapping[str, Sequence[Message]]
    said: Mapping[tuple[str, str], frozenset[str]]


class Delivery(NamedTuple):
    """A delivery with the outcomes of its attempts and the kinds of its receipts."""

    notification: str
    token: str
    state: str
    outcomes: tuple[str | None, ...]
    receipts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the tables say.

    Attributes:
        decisions: Each decision, and the gate that held it back if one did.
        notifications: What each that is pushed is about: a bundle about all that it stands for.
        deliveries: All of them.
        waiting: How many messages are in the outbox.
    """

    decisions: Sequence[tuple[Occasion, str | None]]
    notifications: Mapping[str, Sequence[Occasion]]
    deliveries: Sequence[Delivery]
    waiting: int


def audit(street: Street, books: Books) -> list[str]:
    """Return every fault in words; none if each message is accounted for."""
    return [fault for check in CHECKS for fault in check(street, books)]


def screen(messages: Iterable[Message]) -> Counter[str]:
    """Return how often a screen shows each notification.

    A message replaces what has its tag (Notifications API, "tag"); nothing is taken away.
    """
    shown: dict[str, str] = {}
    for message in messages:
        shown[message.tag] = message.notification
    return Counter(shown.values())


def figures(street: Street, books: Books) -> dict[str, int]:
    """Return what a run amounted to, its doubles among them.

    A message is double at the push service if it took it more than once; what came a second time
    to the browser itself was replaced by its tag, the others by their topic.
    """
    stored = Counter((post.token, post.topic) for post in street.posts if post.stored)
    arrived = Counter(
        (token, message.notification)
        for token, messages in street.messages.items()
        for message in messages
    )
    return {
        "intakes": len({occasion.what for occasion in street.intended}),
        "notifications": len(books.notifications),
        "deliveries": len(books.deliveries),
        "attempts": sum(len(delivery.outcomes) for delivery in books.deliveries),
        "cut_off": sum(delivery.outcomes.count(None) for delivery in books.deliveries),
        "posts": len(street.posts),
        "doubles_at_push_service": sum(stored.values()) - len(stored),
        "doubles_replaced_by_tag": sum(arrived.values()) - len(arrived),
        "receipts": sum(len(delivery.receipts) for delivery in books.deliveries),
    }


def _outbox(_street: Street, books: Books) -> Iterator[str]:
    if books.waiting:
        yield f"{books.waiting} messages are left in the outbox"


def _decisions(street: Street, books: Books) -> Iterator[str]:
    decided = Counter(occasion for occasion, _gate in books.decisions)
    for occasion, expected, found in _differences(Counter(street.intended), decided):
        yield f"{occasion} was decided {found} times instead of {expected}"
    for occasion, gate in books.decisions:
        if gate is not None:
            yield f"{occasion} was held back by {gate}"


def _notifications(street: Street, books: Books) -> Iterator[str]:
    told = Counter(chain.from_iterable(books.notifications.values()))
    for occasion, expected, found in _differences(Counter(street.intended), told):
        yield f"{occasion} was told {found} times instead of {expected}"


def _deliveries(street: Street, books: Books) -> Iterator[str]:
    made = Counter((delivery.notification, delivery.token) for delivery in books.deliveries)
    for notification, occasions in books.notifications.items():
        for token, browser in street.browsers.items():
            count = made.pop((notification, token), 0)
            wanted = browser.person in {occasion.person for occasion in occasions}
            if count > wanted or (count < wanted and browser.living):
                yield f"{notification} has {count} deliveries to {token}"
    for (notification, token), count in made.items():
        yield f"{notification} has {count} deliveries to {token}, which nobody knows"


def _ends(street: Street, books: Books) -> Iterator[str]:
    gone = {post.token for post in street.posts if post.status in GONE_STATUSES}
    for delivery in books.deliveries:
        living = (
            street.browsers[delivery.token].living if delivery.token in street.browsers else True
        )
        if living and delivery.state not in REACHED:
            yield f"{delivery.notification} ended as {delivery.state} at {delivery.token}"
        if delivery.state == "gone" and delivery.token not in gone:
            yield f"{delivery.token} is gone, and the push service never said so"


def _posts(street: Street, books: Books) -> Iterator[str]:
    """Every POST belongs to an attempt, and every attempt that succeeded to a POST."""
    posts = Counter((post.token, post.topic) for post in street.posts)
    stored = Counter((post.token, post.topic) for post in street.posts if post.stored)
    answered = Counter(
        (post.token, post.topic)
        for post in street.posts
        if post.status is not None and 200 <= post.status < 300
    )
    for delivery in books.deliveries:
        key = (delivery.token, delivery.notification)
        sent, attempts = posts.pop(key, 0), len(delivery.outcomes)
        if sent > attempts:
            yield f"{delivery.notification} was posted {sent} times in {attempts} attempts"
        if delivery.outcomes.count("accepted") > answered[key]:
            yield f"{delivery.notification} counts as accepted, and no POST was"
        if delivery.state in REACHED and not stored[key]:
            yield f"{delivery.notification} is {delivery.state}, and the push service has no copy"
    for (token, topic), count in posts.items():
        yield f"{count} POSTs of {topic} to {token} belong to no delivery"


def _screens(street: Street, books: Books) -> Iterator[str]:
    """Each screen shows what it was sent, its own person's and nobody else's, once."""
    sent: dict[str, set[str]] = {token: set() for token in street.browsers}
    for delivery in books.deliveries:
        if delivery.state in REACHED:
            sent.setdefault(delivery.token, set()).add(delivery.notification)
    for token, browser in street.browsers.items():
        shown = screen(street.messages.get(token, ()))
        for notification, count in shown.items():
            occasions = books.notifications.get(notification)
            if occasions is None:
                yield f"{token} shows {notification}, which is no notification"
            elif {occasion.person for occasion in occasions} != {browser.person}:
                yield f"{token} shows {notification}, which is another person's"
            if count != 1:
                yield f"{token} shows {notification} {count} times"
        for notification in sent[token] - shown.keys():
            if browser.living:
                yield f"{token} never showed {notification}: it is lost"


def _receipts(street: Street, books: Books) -> Iterator[str]:
    known = {}
    for delivery in books.deliveries:
        known[delivery.token, delivery.notification] = delivery
        if len(set(delivery.receipts)) < len(delivery.receipts):
            yield f"{delivery.notification} has a receipt twice from {delivery.token}"
    for key in street.said.keys() | known.keys():
        said = street.said.get(key, frozenset())
        kept = frozenset(known[key].receipts) if key in known else frozenset()
        if said != kept:
            yield f"of {key} {sorted(said)} was said, and {sorted(kept)} is kept"


def _differences(
    expected: Counter[Occasion], found: Counter[Occasion]
) -> Iterator[tuple[Occasion, int, int]]:
    for occasion in expected.keys() | found.keys():
        if expected[occasion] != found[occasion]:
            yield occasion, expected[occasion], found[occasion]


CHECKS: tuple[Callable[[Street, Books], Iterator[str]], ...] = (
    _outbox,
    _decisions,
    _notifications,
    _deliveries,
    _ends,
    _posts,
    _screens,
    _receipts,
)
