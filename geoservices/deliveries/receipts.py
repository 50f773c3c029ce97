"""What service workers say became of notifications, taken in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.deliveries import queries
from geoservices.deliveries.queries import Sent
from geoservices.deliveries.states import DeliveryState, ReceiptKind
from geoservices.deliveries.tokens import derive_key, read_token
from geoservices.keyring import by_any
from geoservices.notifications import inbox
from geoservices.settings.service import Settings
from geoservices.subscriptions import queries as subscriptions

LATEST: Final = timedelta(days=28)
"""A receipt that comes longer after its delivery was made is not taken: no push service known
keeps a message longer, and a phone that was off all the while has nothing left to show."""

_STEPS: Final = {
    DeliveryState.SHOWN: 1,
    DeliveryState.DISMISSED: 2,
    DeliveryState.CLICKED: 3,
}
"""How far a delivery has come; every other state lies before these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptReport:
    """What a service worker says: of which delivery, what, and when by its own clock."""

    token: str
    kind: ReceiptKind
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A delivery of which something was said for the first time."""

    delivery_id: UUID
    notification_id: UUID
    subscription_id: UUID
    kinds: frozenset[ReceiptKind]


@dataclass(frozen=True, slots=True)
class TakenReceipts:
    """What came of a batch.

    Attributes:
        known: For each report in order, whether its token speaks of a delivery.
        news: What was not known before; nothing of what is said again.
    """

    known: list[bool]
    news: list[Acknowledged]


def receipt_key(settings: Settings) -> bytes:
    """Return the key that seals the tokens of receipts."""
    return derive_key(settings.codes.secret)


def receipt_keys(settings: Settings) -> list[bytes]:
    """Return the keys of tokens that are believed."""
    return [derive_key(secret) for secret in settings.codes.secrets]


def take(
    session: Session, reports: Sequence[ReceiptReport], *, keys: Sequence[bytes], at: datetime
) -> TakenReceipts:
    """Record what service workers say; the same word twice counts once, in whatever order.

    A click or a dismissal implies that it was shown. A delivery whose acceptance was never heard
    of was evidently accepted: it is not sent again. Of what a token does not speak, or no longer,
    nothing is stored. A notification that was clicked has been read.
    Subscriptions are locked, and then deliveries, each in the order of their ids.

    Args:
        session: The transaction.
        reports: In any order, of any number of deliveries.
        keys: From `receipt_keys`.
        at: Now.
    """
    ids = [by_any(keys, partial(read_token, text=report.token)) for report in reports]
    spoken_of = {id_ for id_ in ids if id_ is not None}
    if spoken_of:
        heard_of = queries.subscriptions_of(session, spoken_of, made_after=at - LATEST)
        subscriptions.seen(session, heard_of, at=at)
    sent = queries.lock_sent(session, spoken_of, made_after=at - LATEST) if spoken_of else {}
    said = [
        (sent[id_], report)
        for id_, report in zip(ids, reports, strict=True)
        if id_ is not None and id_ in sent
    ]
    fresh = queries.insert_receipts(session, _rows(said, at)) if said else []
    for state, moved in _moves(said).items():
        queries.mark_received(session, moved, state, at=at)
    news = _news(sent, fresh)
    clicked = [one.notification_id for one in news if ReceiptKind.CLICKED in one.kinds]
    if clicked:
        inbox.mark_read(session, clicked, at=at)
    return TakenReceipts(known=[id_ in sent for id_ in ids], news=news)


def happened_at(told: datetime, *, first_tried_at: datetime, at: datetime) -> datetime:
    """Return when something happened, by a clock that may be wrong.

    Nothing is shown before it was first sent, nor later than now.
    """
    return max(min(told, at), first_tried_at)


def further(state: DeliveryState, kinds: Iterable[ReceiptKind]) -> DeliveryState:
    """Return how far a delivery has come when these are said of it; it never goes back."""
    said = (DeliveryState(kind.value) for kind in kinds)
    return max([state, *said], key=lambda one: _STEPS.get(one, 0))


def _rows(said: Sequence[tuple[Sent, ReceiptReport]], at: datetime) -> list[dict[str, Any]]:
    """Return a row for each kind of each delivery; of several the earliest."""
    earliest: dict[tuple[UUID, ReceiptKind], datetime] = {}
    for sent, report in said:
        happened = happened_at(report.occurred_at, first_tried_at=sent.first_tried_at, at=at)
        known = earliest.get((sent.id, report.kind), happened)
        earliest[sent.id, report.kind] = min(known, happened)
    return [
        {
            "id": uuid4(),
            "delivery_id": delivery_id,
            "kind": kind,
            "occurred_at": happened,
            "received_at": at,
        }
        for (delivery_id, kind), happened in earliest.items()
    ]


def _moves(said: Sequence[tuple[Sent, ReceiptReport]]) -> dict[DeliveryState, list[UUID]]:
    """Return the deliveries that come further, by the state they come to."""
    before = {sent.id: sent.state for sent, _ in said}
    after = dict(before)
    for sent, report in said:
        after[sent.id] = further(after[sent.id], [report.kind])
    moves: dict[DeliveryState, list[UUID]] = {}
    for id_, state in after.items():
        if state != before[id_]:
            moves.setdefault(state, []).append(id_)
    return moves


def _news(
    sent: Mapping[UUID, Sent], fresh: Iterable[tuple[UUID, ReceiptKind]]
) -> list[Acknowledged]:
    kinds: dict[UUID, set[ReceiptKind]] = {}
    for delivery_id, kind in fresh:
        kinds.setdefault(delivery_id, set()).add(kind)
    return [
        Acknowledged(id_, sent[id_].notification_id, sent[id_].subscription_id, frozenset(of_it))
        for id_, of_it in sorted(kinds.items())
    ]
