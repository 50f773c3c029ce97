"""Where a task may stand, which steps lead on from there, and who may take them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from geoservices.errors import ErrorKind, GeoservicesError


class TaskState(StrEnum):
    """Where a task stands."""

    OPEN = "open"
    CLAIMED = "claimed"
    IN_PROGRESS = "in-progress"
    DONE = "done"
    DECLINED = "declined"
    """By the one person it was assigned to; it waits for somebody to assign it anew."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """It ended before anybody had done it."""


class StepKind(StrEnum):
    """What somebody did to a task."""

    CLAIM = "claim"
    EXTEND = "extend"
    RELEASE = "release"
    START = "start"
    TICK = "tick"
    DONE = "done"
    DECLINE = "decline"
    ASSIGN = "assign"
    CANCEL = "cancel"
    EXPIRE = "expire"
    NOTE = "note"


class Standing(StrEnum):
    """What somebody is to a task; a person may be several of these at once."""

    HOLDER = "holder"
    """Whoever has claimed it, while the lease lasts."""
    FORMER = "former"
    """Whoever claimed it at some time before."""
    WORKER = "worker"
    """Whoever may claim it, by how it is assigned."""
    LEAD = "lead"
    """A team lead of those it is assigned to, or of whoever comes by."""
    MANAGER = "manager"
    MACHINE = "machine"
    """Another system, by its key."""
    CLOCK = "clock"
    """The service itself, once a lease or the task has ended."""
    MEMBER = "member"
    """Anyone else who does the organisation's work."""


Standings = frozenset[Standing]

HELD: Final = (TaskState.CLAIMED, TaskState.IN_PROGRESS)
"""Somebody has it, for as long as the lease lasts."""
OVER: Final = (TaskState.DONE, TaskState.CANCELLED, TaskState.EXPIRED)
"""Nobody needs to do it any more."""
UNFINISHED: Final = tuple(state for state in TaskState if state not in OVER)

_PEOPLE: Final = frozenset(Standing) - {Standing.CLOCK}
_HOLDER: Final = frozenset({Standing.HOLDER})
_ABOVE: Final = frozenset({Standing.LEAD, Standing.MANAGER, Standing.MACHINE})
_MANAGERS: Final = frozenset({Standing.MANAGER, Standing.MACHINE})
_DOERS: Final = _MANAGERS | {Standing.HOLDER, Standing.FORMER}


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may take a step from a state, and where it leads; None stays where it is."""

    by: Standings
    to: TaskState | None = None


_RELEASE: Final = Rule(_ABOVE | _HOLDER | {Standing.CLOCK}, TaskState.OPEN)
_ASSIGN: Final = Rule(_ABOVE, TaskState.OPEN)
_CANCEL: Final = Rule(_MANAGERS | {Standing.CLOCK}, TaskState.CANCELLED)
_EXPIRE: Final = Rule(frozenset({Standing.CLOCK}), TaskState.EXPIRED)
_DONE: Final = Rule(_DOERS, TaskState.DONE)
_DONE_BY_ANY_WORKER: Final = Rule(_DOERS | {Standing.WORKER}, TaskState.DONE)

RULES: Final[Mapping[StepKind, Mapping[TaskState, Rule]]] = {
    StepKind.CLAIM: {TaskState.OPEN: Rule(frozenset({Standing.WORKER}), TaskState.CLAIMED)},
    StepKind.EXTEND: dict.fromkeys(HELD, Rule(_HOLDER)),
    StepKind.RELEASE: dict.fromkeys(HELD, _RELEASE),
    StepKind.START: {TaskState.CLAIMED: Rule(_HOLDER, TaskState.IN_PROGRESS)},
    StepKind.TICK: dict.fromkeys(HELD, Rule(_HOLDER)),
    StepKind.DONE: {
        TaskState.OPEN: _DONE_BY_ANY_WORKER,
        **dict.fromkeys(HELD, _DONE),
        TaskState.DECLINED: _DONE,
        TaskState.DONE: _DONE_BY_ANY_WORKER,
    },
    StepKind.DECLINE: {
        TaskState.OPEN: Rule(frozenset({Standing.WORKER}), TaskState.OPEN),
        **dict.fromkeys(HELD, Rule(_HOLDER, TaskState.OPEN)),
    },
    StepKind.ASSIGN: dict.fromkeys(UNFINISHED, _ASSIGN),
    StepKind.CANCEL: dict.fromkeys((*UNFINISHED, TaskState.EXPIRED), _CANCEL),
    StepKind.EXPIRE: dict.fromkeys(UNFINISHED, _EXPIRE),
    StepKind.NOTE: dict.fromkeys(TaskState, Rule(_PEOPLE)),
}
"""Every step that there is; what is not named here is refused."""

RETURNING: Final = frozenset({Standing.FORMER, Standing.WORKER})
LATE: Final[Mapping[StepKind, Mapping[TaskState, Rule]]] = {
    StepKind.START: {TaskState.OPEN: Rule(frozenset({Standing.FORMER}), TaskState.IN_PROGRESS)},
    StepKind.TICK: {TaskState.OPEN: Rule(frozenset({Standing.FORMER}))},
}
"""What may be told afterwards by whoever is `RETURNING`: they had it, may have it, and nobody has.

So a lease that ran out where there is no network costs nobody what they did meanwhile.
"""

BEGINNING: Final[Mapping[StepKind, Standings]] = {
    StepKind.CLAIM: frozenset({Standing.WORKER}),
    StepKind.START: frozenset({Standing.HOLDER, Standing.FORMER}),
    StepKind.DONE: frozenset({Standing.WORKER}),
}
"""Steps that begin work, as those who begin it: not while the task waits for others.

Whoever had it before it had to wait, or manages it, may still say that it is done.
"""


@dataclass(frozen=True, slots=True)
class Blocker:
    """A task that another waits for; `title` is None where that is not for whoever asks to see."""

    id: UUID
    title: str | None
    state: TaskState

    @property
    def is_lost(self) -> bool:
        """Whether it will never be done, so that somebody has to decide what is to happen."""
        return self.state in OVER


NO_BLOCKERS: Final[Sequence[Blocker]] = ()


def _told(state: TaskState, possible: tuple[StepKind, ...]) -> str:
    steps = ", ".join(possible) or "nothing"
    return f"It is {state}. What you can do with it now: {steps}."


class StepRefused(GeoservicesError):
    """The task does not stand where this step begins; nothing was changed."""

    kind = ErrorKind.CONFLICT
    code = "task-step-refused"
    title = "The task stands elsewhere now"

    def __init__(self, state: TaskState, possible: tuple[StepKind, ...]) -> None:
        super().__init__(_told(state, possible))
        self.state, self.possible = state, possible

    def extra(self) -> Mapping[str, object]:
        """Say where it stands and what is possible."""
        return {"state": self.state, "possible": list(self.possible)}


class TaskBlocked(GeoservicesError):
    """The task waits for others, which are not done yet; nothing was changed."""

    kind = ErrorKind.CONFLICT
    code = "task-blocked"
    title = "The task waits for others"

    def __init__(
        self, state: TaskState, possible: tuple[StepKind, ...], blockers: Sequence[Blocker]
    ) -> None:
        told = [f"{_name(one)}, which is {one.state}" for one in blockers]
        lost = any(one.is_lost for one in blockers)
        super().__init__(
            f"First there is to be done: {'; '.join(told)}."
            + (" What is over undone a manager can take out of `depends_on`." if lost else "")
        )
        self.state, self.possible, self.blockers = state, possible, blockers

    def extra(self) -> Mapping[str, object]:
        """Say where it stands, what is possible, and what it waits for."""
        return {
            "state": self.state,
            "possible": list(self.possible),
            "blocked_by": [
                {"id": str(one.id), "title": one.title, "state": one.state} for one in self.blockers
            ],
        }


def _name(blocker: Blocker) -> str:
    return "a task at another place" if blocker.title is None else f"\u201c{blocker.title}\u201d"


class StepNotYours(GeoservicesError):
    """The step can be taken now, by others; nothing was changed."""

    kind = ErrorKind.FORBIDDEN
    code = "task-step-not-yours"
    title = "Somebody else may do this"

    def __init__(
        self, state: TaskState, possible: tuple[StepKind, ...], allowed: Standings
    ) -> None:
        who = ", ".join(sorted(allowed - {Standing.CLOCK}))
        super().__init__(f"{_told(state, possible)} This is for: {who}.")
        self.state, self.possible = state, possible

    def extra(self) -> Mapping[str, object]:
        """Say where it stands and what is possible."""
        return {"state": self.state, "possible": list(self.possible)}


def state_at(
    stored: TaskState,
    *,
    leased_until: datetime | None,
    ends_at: datetime | None,
    withdrawn_at: datetime | None,
    at: datetime,
) -> TaskState:
    """Return where a task stands at an instant: time passes whether it was written down or not.

    Args:
        stored: Where it stood when something was last written down.
        leased_until: Until when a claim of it lasts.
        ends_at: From when on it need not be done any more.
        withdrawn_at: When it was withdrawn as a listing, which cancels it.
        at: The instant.
    """
    if stored in {TaskState.DONE, TaskState.CANCELLED}:
        return stored
    if withdrawn_at is not None:
        return TaskState.CANCELLED
    if ends_at is not None and ends_at <= at:
        return TaskState.EXPIRED
    lapsed = stored in HELD and leased_until is not None and leased_until <= at
    # It was given a later end after it had expired.
    return TaskState.OPEN if lapsed or stored is TaskState.EXPIRED else stored


def possible_steps(
    state: TaskState, standings: Standings, *, blocked: bool = False
) -> tuple[StepKind, ...]:
    """Return what somebody can do with a task, which may wait for others."""
    return tuple(
        step
        for step, rules in RULES.items()
        if (rule := rules.get(state)) is not None
        and _taking(step, rule, standings, blocked=blocked)
    )


@dataclass(frozen=True, slots=True)
class Move:
    """Where a step leads, and as what somebody may take it."""

    state: TaskState
    by: Standing


def decide(
    step: StepKind,
    state: TaskState,
    standings: Standings,
    *,
    only_theirs: bool = False,
    blockers: Sequence[Blocker] = NO_BLOCKERS,
    late: bool = False,
) -> Move:
    """Decide whether somebody may take a step, and where it leads.

    Args:
        step: What somebody wants to do.
        state: Where the task stands.
        standings: What they are to it; of several that allow it, the first of `Standing` counts.
        only_theirs: Whether nobody else may claim it, so that it is nobody's once they decline.
        blockers: What it waits for.
        late: Whether they tell of it afterwards, by their own clock.

    Raises:
        StepRefused: The step does not begin there.
        TaskBlocked: It does, but the task waits for others first.
        StepNotYours: It does, but not for them.
    """
    blocked = bool(blockers)
    possible = possible_steps(state, standings, blocked=blocked)
    rule = RULES[step].get(state)
    if rule is None and late and standings >= RETURNING:
        rule = LATE.get(step, {}).get(state)
    if rule is None:
        raise StepRefused(state, possible)
    allowed = _taking(step, rule, standings, blocked=blocked)
    if not allowed and rule.by & standings:
        raise TaskBlocked(state, possible, blockers)
    if not allowed:
        raise StepNotYours(state, possible, rule.by)
    if step is StepKind.DECLINE and only_theirs:
        return Move(TaskState.DECLINED, allowed[0])
    return Move(rule.to or state, allowed[0])


def _taking(step: StepKind, rule: Rule, standings: Standings, *, blocked: bool) -> list[Standing]:
    """Return as what somebody may take a step, in the order of `Standing`."""
    kept_out = BEGINNING.get(step, frozenset()) if blocked else frozenset()
    return [one for one in Standing if one in (rule.by & standings) - kept_out]
