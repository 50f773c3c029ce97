"""What one push service's answers say of the push service, and not of a single subscription.

A push service is known by its origin together with the key that signs for it (RFC 8292): what it
refuses under one key it may take under another. Three things close it for a while: that it asked
for patience (RFC 8030 section 8.4), that it refuses us, and that it fails. What is to go there
waits meanwhile, without an attempt. Then a single push tries first.

The guard is about "gone": push services have answered 404 to everyone while it was they, or a
wrong key, that was at fault. An answer that is true of one subscription is not believed where too
many get it at once.

Whoever may subscribe may also name endpoints that never were anything, or that belong to another
key. What a push service says of these must not close it, nor cast doubt on it, for everyone else.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from geoservices.push.answers import Outcome, OutcomeKind

REFUSALS_TO_CLOSE: Final = 5
"""So many refusals in a row mean that it is not the subscriptions."""
FAILURES_TO_CLOSE: Final = 5
REFUSED_FOR: Final = timedelta(minutes=1)
REFUSED_FOR_AT_MOST: Final = timedelta(hours=1)
THROTTLED_FOR_AT_MOST: Final = timedelta(minutes=5)
"""However long one subscription is to wait, after this long a single push asks for the others."""
FAILING_FOR: Final = timedelta(seconds=2)
FAILING_FOR_AT_MOST: Final = timedelta(minutes=2)
DOUBLINGS: Final = 10

WINDOW: Final = timedelta(minutes=10)
"""How long answers are counted before the count begins anew."""
GONE_TO_GUARD: Final = 10
GONE_SHARE_TO_GUARD: Final = 0.2
GUARD_FOR: Final = timedelta(hours=1)

TRY_FOR: Final = timedelta(seconds=5)
"""How long the others wait while a single push tries."""
TRIED_FOR: Final = timedelta(minutes=10)
"""How long after it was closed a push service is tried; then it is taken for open.

Whoever subscribes can name as many hosts of a push service as they like, of which none answers. So
what every claim looks at has to end.
"""

PAYLOAD_TOO_LARGE: Final = 413


class Cause(StrEnum):
    """Why nothing goes to a push service for a while."""

    THROTTLED = "throttled"
    """It said how long to wait."""
    REFUSED = "refused"
    """It refuses whatever we send: an operator has to look."""
    FAILING = "failing"
    """It cannot be reached, or fails."""


WAITING_FOR: Final = {
    Cause.THROTTLED: "the push service asked for patience",
    Cause.REFUSED: "the push service refuses our pushes",
    Cause.FAILING: "the push service cannot be reached",
}


class OriginState(NamedTuple):
    """How a push service stands under one key.

    `refusals` and `failures` are counted since it last took something, `strikes` the times it was
    closed since then. `answered` and `gone` are counted since `counted_from`. `last_accepted_at` is
    when it last took something from us, if it ever did.
    """

    origin: str
    vapid_key: str
    closed_until: datetime | None = None
    cause: str | None = None
    strikes: int = 0
    refusals: int = 0
    failures: int = 0
    last_refusal: str | None = None
    counted_from: datetime | None = None
    answered: int = 0
    gone: int = 0
    guarded_until: datetime | None = None
    trusted_until: datetime | None = None
    last_accepted_at: datetime | None = None

    def is_closed(self, at: datetime) -> bool:
        """Tell whether nothing may go there now."""
        return self.closed_until is not None and at < self.closed_until

    def is_tried(self, at: datetime) -> bool:
        """Tell whether a single push may go there, to see whether it takes any again."""
        return self.cause is not None and not self.is_closed(at)

    def doubts_gone(self, at: datetime) -> bool:
        """Tell whether "gone" is not believed now."""
        return self.guarded_until is not None and at < self.guarded_until


class Tally(NamedTuple):
    """How many attempts of one batch at one push service ended in which way.

    `retry_after` is the longest that any answer asked for, `refusal` how the last one was refused.
    """

    accepted: int
    gone: int
    refused: int
    failed: int
    retry_after: timedelta | None
    refusal: str | None


class Told(NamedTuple):
    """An answer, and whether the subscription is proven: a push to it had been taken before."""

    outcome: Outcome
    is_proven: bool


def evidence(state: OriginState, told: Iterable[Told]) -> list[Outcome]:
    """Return the outcomes that may speak of the push service.

    Where it is known to take what we send, a refusal of a subscription for which nothing was ever
    taken, or that it is gone, speaks of that one alone: anybody can make such subscriptions up.
    """
    alone = {OutcomeKind.REFUSED, OutcomeKind.GONE} if state.last_accepted_at else set()
    return [one.outcome for one in told if one.is_proven or one.outcome.kind not in alone]


def tally(outcomes: Iterable[Outcome]) -> Tally:
    """Count outcomes; what was refused before it left, or was too large, says nothing."""
    told = [outcome for outcome in outcomes if outcome.status != PAYLOAD_TOO_LARGE]
    kinds = [outcome.kind for outcome in told]
    refused = [one for one in told if one.kind is OutcomeKind.REFUSED and one.status is not None]
    waits = [one.retry_after for one in told if one.retry_after is not None]
    return Tally(
        accepted=kinds.count(OutcomeKind.ACCEPTED),
        gone=kinds.count(OutcomeKind.GONE),
        refused=len(refused),
        failed=kinds.count(OutcomeKind.TRANSIENT),
        retry_after=max(waits, default=None),
        refusal=f"{refused[-1].status} {refused[-1].reason}" if refused else None,
    )


def after(state: OriginState, batch: Tally, *, at: datetime) -> OriginState:
    """Return how a push service stands after it answered a batch."""
    return _closed(_guarded(state, batch, at), batch, at)


def worse(before: OriginState, now: OriginState) -> bool:
    """Tell whether an operator should hear of a change: it is refused, failing or doubted anew."""
    return now.strikes > before.strikes or doubted_anew(before, now)


def doubted_anew(before: OriginState, now: OriginState) -> bool:
    """Tell whether "gone" is doubted of late."""
    if now.guarded_until is None or now.guarded_until == before.guarded_until:
        return False
    return not before.doubts_gone(now.guarded_until - GUARD_FOR)


def advice(state: OriginState, *, at: datetime) -> str:
    """Say in words how a push service stands, and what an operator can do."""
    if state.doubts_gone(at):
        return (
            f"It says of {state.gone} out of {state.answered} subscriptions that they have ended. "
            "That is doubted: none is ended. If it is true, say so with `geoservices push trust`."
        )
    if state.cause == Cause.REFUSED:
        return (
            f"It refuses our pushes ({state.last_refusal}). Look at the VAPID key and contact, and "
            "at this machine's clock. Nothing is deleted; one push tries again from time to time."
        )
    if state.cause == Cause.FAILING:
        return "It cannot be reached, or fails. One push tries again from time to time."
    if state.is_closed(at):
        return "It asked for patience. Pushes go on by themselves."
    return "It takes our pushes."


class Doors:
    """Which push services are open at one moment; one that is tried lets a single push through."""

    def __init__(self, states: Iterable[OriginState], *, at: datetime) -> None:
        self._states = {(state.origin, state.vapid_key): state for state in states}
        self._tried: set[tuple[str, str]] = set()
        self._at = at

    def ask(self, origin: str, vapid_key: str) -> tuple[datetime, str] | None:
        """Return until when, and why, a push to there waits; None lets it through."""
        key = (origin, vapid_key)
        state = self._states.get(key)
        if state is None:
            return None
        if state.closed_until is not None and state.is_closed(self._at):
            return state.closed_until, WAITING_FOR[Cause(state.cause or Cause.THROTTLED)]
        if state.is_tried(self._at):
            if key in self._tried:
                return self._at + TRY_FOR, "one push tries first whether the push service takes any"
            self._tried.add(key)
        return None


def _guarded(state: OriginState, batch: Tally, at: datetime) -> OriginState:
    if state.counted_from is None or not state.counted_from <= at < state.counted_from + WINDOW:
        state = state._replace(counted_from=at, answered=0, gone=0)
    state = state._replace(
        answered=state.answered + batch.accepted + batch.gone, gone=state.gone + batch.gone
    )
    many = state.gone >= GONE_TO_GUARD and state.gone > GONE_SHARE_TO_GUARD * state.answered
    trusted = state.trusted_until is not None and at < state.trusted_until
    if trusted:
        return state._replace(guarded_until=None)
    if many and batch.gone:
        return state._replace(guarded_until=at + GUARD_FOR)
    return state


def _closed(state: OriginState, batch: Tally, at: datetime) -> OriginState:
    if batch.accepted:
        throttled = state.cause == Cause.THROTTLED and state.is_closed(at)
        state = state._replace(
            closed_until=state.closed_until if throttled else None,
            cause=state.cause if throttled else None,
            strikes=0,
            refusals=0,
            failures=0,
            last_accepted_at=at,
        )
    else:
        if state.cause == Cause.FAILING and batch.gone + batch.refused:
            # Whatever it says, it can be reached again.
            state = state._replace(closed_until=None, cause=None, strikes=0, failures=0)
        state = state._replace(
            refusals=state.refusals + batch.refused,
            failures=state.failures + batch.failed,
            last_refusal=batch.refusal or state.last_refusal,
        )
        if batch.refused and state.refusals >= REFUSALS_TO_CLOSE:
            state = _strike(state, Cause.REFUSED, REFUSED_FOR, REFUSED_FOR_AT_MOST, at)
        elif batch.failed and state.failures >= FAILURES_TO_CLOSE:
            state = _strike(state, Cause.FAILING, FAILING_FOR, FAILING_FOR_AT_MOST, at)
    if batch.retry_after is not None:
        pause = min(batch.retry_after, THROTTLED_FOR_AT_MOST)
        state = _wait(state, Cause.THROTTLED, at + pause)
    return state


def _strike(
    state: OriginState, cause: Cause, first: timedelta, longest: timedelta, at: datetime
) -> OriginState:
    """Close it for longer each time."""
    if state.is_closed(at):
        return state  # What was under way when it was closed does not count again.
    wait = min(first * 2 ** min(state.strikes, DOUBLINGS), longest)
    return _wait(state._replace(strikes=state.strikes + 1), cause, at + wait)


def _wait(state: OriginState, cause: Cause, until: datetime) -> OriginState:
    """Close it until then, unless it is closed for longer."""
    if state.closed_until is not None and state.closed_until >= until:
        return state
    return state._replace(closed_until=until, cause=cause)
