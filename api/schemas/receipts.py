"""Receipts on the wire."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.schemas.common import In, Instant, Out, Text
from geoservices.deliveries.receipts import ReceiptReport
from geoservices.deliveries.states import ReceiptKind

MAX_RECEIPTS = 100
MAX_BODY_BYTES = 64 * 1024
"""Room for as many receipts three times over; more is not read from callers with no token."""


class ReceiptIn(In):
    """What the service worker saw happen to a notification."""

    token: Annotated[Text, StringConstraints(min_length=1, max_length=200)] = Field(
        description="`notification.data.receipt` of the push"
    )
    kind: ReceiptKind
    occurred_at: Instant = Field(description="The browser's clock when it happened")

    def to_report(self) -> ReceiptReport:
        """Return what the domain takes in."""
        return ReceiptReport(token=self.token, kind=self.kind, occurred_at=self.occurred_at)


class ReceiptsIn(In):
    """What gathered in a service worker, in any order."""

    receipts: list[ReceiptIn] = Field(min_length=1, max_length=MAX_RECEIPTS)


class ReceiptResultOut(Out):
    """What came of one receipt; of one that is unknown nothing was stored."""

    status: Literal["taken", "unknown"]


class ReceiptsOut(Out):
    """What came of each, in the order given."""

    results: list[ReceiptResultOut]
