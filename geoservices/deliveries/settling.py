"""What becomes of a delivery after an attempt at it: the table of docs/push.md as code."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from geoservices.deliveries.origins import PAYLOAD_TOO_LARGE, Cause, OriginState
from geoservices.deliveries.states import DeliveryState
from geoservices.push.answers import Outcome, OutcomeKind

LONGEST_WAIT: Final = timedelta(hours=1)
DOUBTED_WAIT: Final = timedelta(hours=1)
"""How long a delivery rests whose subscription is said to be gone where that is doubted."""
TOO_LARGE: Final = "payload-too-large"
"""The reason of a delivery that is to be sent in its short form."""
VAPID_REFUSED: Final = "vapid-refused"
"""The reason of a delivery that is to be sent with a token signed anew."""
MAX_REASON_LENGTH: Final = 200


class Standing(NamedTuple):
    """Where a delivery stands, as its row has it."""

    id: UUID
    subscription_id: UUID
    attempt_count: int
    expires_at: datetime
    state: str
    reason: str | None
    due_at: datetime
    leased_until: datetime | None
    accepted_at: datetime | None

    def finished(self, state: DeliveryState, reason: str) -> "Standing":
        """Return it at its end."""
        return self._replace(state=state, reason=reason[:MAX_REASON_LENGTH], leased_until=None)

    def put_off(self, due_at: datetime, reason: str) -> "Standing":
        """Return it queued until then, and at its deadline at the latest, to be ended there.

        One that is to be sent in its short form stays so, whatever it waits for next.
        """
        return self._replace(
            state=DeliveryState.QUEUED,
            reason=TOO_LARGE if self.reason == TOO_LARGE else reason[:MAX_REASON_LENGTH],
            due_at=min(due_at, self.expires_at),
            leased_until=None,
        )


def settled(
    standing: Standing,
    outcome: Outcome,
    origin: OriginState,
    *,
    wait: timedelta,
    max_attempts: int,
    at: datetime,
) -> Standing:
    """Return where a delivery stands after an attempt.

    Args:
        standing: Where it stood before.
        outcome: How the attempt ended.
        origin: How its push service stands after the batch.
        wait: How long to back off, if it comes to that.
        max_attempts: How many attempts there may be.
        at: The moment of settling.
    """
    ends = _end_of(standing, outcome, origin, at)
    if ends is DeliveryState.ACCEPTED:
        return standing.finished(ends, outcome.reason)._replace(accepted_at=at)
    if ends is not None:
        return standing.finished(ends, outcome.reason)
    if outcome.kind is OutcomeKind.GONE:
        wait = DOUBTED_WAIT
    elif outcome.status == PAYLOAD_TOO_LARGE:
        wait = timedelta(0)
    again_at = at + max(wait, outcome.retry_after or timedelta(0))
    if standing.attempt_count >= max_attempts:
        return standing.finished(DeliveryState.FAILED, f"gave up: {outcome.reason}")
    if again_at >= standing.expires_at:
        reason = f"no time left to try again: {outcome.reason}"
        return standing.finished(DeliveryState.EXPIRED, reason)
    return standing.put_off(again_at, outcome.reason)


def _end_of(
    standing: Standing, outcome: Outcome, origin: OriginState, at: datetime
) -> DeliveryState | None:
    """Return the state in which a delivery ends, unless it is tried again."""
    match outcome.kind:
        case OutcomeKind.ACCEPTED:
            return DeliveryState.ACCEPTED
        case OutcomeKind.EXPIRED:
            return DeliveryState.EXPIRED
        case OutcomeKind.GONE:
            return None if origin.doubts_gone(at) else DeliveryState.GONE
        case OutcomeKind.REFUSED:
            another = _worth_another(standing, outcome, origin, at)
            return None if another else DeliveryState.FAILED
        case OutcomeKind.THROTTLED | OutcomeKind.TRANSIENT:
            return None


def _worth_another(standing: Standing, outcome: Outcome, origin: OriginState, at: datetime) -> bool:
    """Tell whether what was refused is tried again: in another form, or when we are mended."""
    if outcome.status == PAYLOAD_TOO_LARGE:
        return standing.reason != TOO_LARGE
    refuses_all = origin.cause == Cause.REFUSED and origin.is_closed(at)
    unsigned_anew = outcome.reason == VAPID_REFUSED and standing.reason != VAPID_REFUSED
    return refuses_all or unsigned_anew
