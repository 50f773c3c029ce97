"""Where a task may stand, and who may take which step: the whole table, and what holds of it."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.tasks.states import (
    BEGINNING,
    HELD,
    OVER,
    RULES,
    UNFINISHED,
    Blocker,
    Move,
    Standing,
    StepKind,
    StepNotYours,
    StepRefused,
    TaskBlocked,
    TaskState,
    decide,
    possible_steps,
    state_at,
)
from tests.factories import NOON

OPEN, CLAIMED, IN_PROGRESS, DONE, DECLINED, CANCELLED, EXPIRED = TaskState
ALLOWED = """
claim    open         worker                                  claimed
extend   claimed      holder                                  claimed
extend   in-progress  holder                                  in-progress
release  claimed      holder,lead,manager,machine,clock       open
release  in-progress  holder,lead,manager,machine,clock       open
start    claimed      holder                                  in-progress
tick     claimed      holder                                  claimed
tick     in-progress  holder                                  in-progress
done     open         holder,former,worker,manager,machine    done
done     claimed      holder,former,manager,machine           done
done     in-progress  holder,former,manager,machine           done
done     declined     holder,former,manager,machine           done
done     done         holder,former,worker,manager,machine    done
decline  open         worker                                  open
decline  claimed      holder                                  open
decline  in-progress  holder                                  open
assign   open         lead,manager,machine                    open
assign   claimed      lead,manager,machine                    open
assign   in-progress  lead,manager,machine                    open
assign   declined     lead,manager,machine                    open
cancel   open         manager,machine,clock                   cancelled
cancel   claimed      manager,machine,clock                   cancelled
cancel   in-progress  manager,machine,clock                   cancelled
cancel   declined     manager,machine,clock                   cancelled
cancel   expired      manager,machine,clock                   cancelled
expire   open         clock                                   expired
expire   claimed      clock                                   expired
expire   in-progress  clock                                   expired
expire   declined     clock                                   expired
"""
"""A step, from where, by whom, to where; a note can be written by anybody anywhere."""
TABLE = {
    (StepKind(step), TaskState(state)): (
        frozenset(Standing(one) for one in by.split(",")),
        TaskState(to),
    )
    for step, state, by, to in (line.split() for line in ALLOWED.strip().splitlines())
}
ANYBODY = frozenset(Standing) - {Standing.CLOCK}
STANDINGS = st.frozensets(st.sampled_from(Standing))
STATES = st.sampled_from(TaskState)
INSTANTS = st.timedeltas(timedelta(days=-2), timedelta(days=2)).map(lambda span: NOON + span)
MAYBE = st.none() | INSTANTS


@pytest.mark.parametrize("standing", Standing)
@pytest.mark.parametrize("state", TaskState)
@pytest.mark.parametrize("step", StepKind)
def test_each_step_is_for_whom_the_table_says(
    step: StepKind, state: TaskState, standing: Standing
) -> None:
    """From each state, for each standing; what the table does not have is refused."""
    by, to = (ANYBODY, state) if step is StepKind.NOTE else TABLE.get((step, state), (None, None))

    if by is None:
        with pytest.raises(StepRefused):
            decide(step, state, frozenset({standing}))
    elif standing not in by:
        with pytest.raises(StepNotYours):
            decide(step, state, frozenset({standing}))
    else:
        move = decide(step, state, frozenset({standing}))
        assert (move.state, move.by) == (to, standing)


@given(step=st.sampled_from(StepKind), state=STATES, standings=STANDINGS)
def test_what_is_told_to_be_possible_is_what_is_allowed(
    step: StepKind, state: TaskState, standings: frozenset[Standing]
) -> None:
    """And a refusal tells the same as a look at the task."""
    possible = possible_steps(state, standings)

    if step in possible:
        assert decide(step, state, standings).by in standings
    else:
        with pytest.raises((StepRefused, StepNotYours)) as refusal:
            decide(step, state, standings)
        assert refusal.value.extra() == {"state": state, "possible": list(possible)}
        assert state in str(refusal.value)


@given(standings=STANDINGS)
def test_what_somebody_declines_who_alone_may_do_it_waits_for_another(
    standings: frozenset[Standing],
) -> None:
    """Whatever else they are; nobody could claim it if it were open."""
    move = decide(StepKind.DECLINE, CLAIMED, standings | {Standing.HOLDER}, only_theirs=True)

    assert move.state is DECLINED


@given(
    stored=STATES,
    leased_until=MAYBE,
    ends_at=MAYBE,
    withdrawn_at=MAYBE,
    at=INSTANTS,
    later=INSTANTS,
)
def test_time_only_ever_ends_things(
    stored: TaskState,
    leased_until: datetime | None,
    ends_at: datetime | None,
    withdrawn_at: datetime | None,
    at: datetime,
    later: datetime,
) -> None:
    """What is over stays over, and nobody comes to have a task by waiting."""

    def stands(at: datetime) -> TaskState:
        return state_at(
            stored, leased_until=leased_until, ends_at=ends_at, withdrawn_at=withdrawn_at, at=at
        )

    now, then = stands(min(at, later)), stands(max(at, later))

    assert now not in OVER or then is now
    assert then not in HELD or then is now is stored
    assert (now in {CLAIMED, IN_PROGRESS, DONE, DECLINED}) <= (now is stored)


@pytest.mark.parametrize("state", UNFINISHED)
def test_a_task_that_is_withdrawn_or_has_ended_is_over(state: TaskState) -> None:
    """To the instant: at its end it has ended."""

    def stands(
        *, ends_at: datetime | None = None, withdrawn_at: datetime | None = None
    ) -> TaskState:
        return state_at(
            state, leased_until=None, ends_at=ends_at, withdrawn_at=withdrawn_at, at=NOON
        )

    assert stands() is state
    assert stands(ends_at=NOON) is EXPIRED
    assert stands(withdrawn_at=NOON) is CANCELLED


def test_a_task_that_expired_is_open_again_once_it_ends_later() -> None:
    """A manager gave it another end."""
    later = NOON + timedelta(hours=1)

    found = state_at(EXPIRED, leased_until=None, ends_at=later, withdrawn_at=None, at=NOON)

    assert found is OPEN


def test_every_step_begins_somewhere() -> None:
    """No step is forgotten, and nothing follows on what was cancelled but notes."""
    assert set(RULES) == set(StepKind)
    assert possible_steps(CANCELLED, frozenset(Standing)) == (StepKind.NOTE,)
    assert DONE in OVER


BLOCKERS = (Blocker(uuid4(), "Switch off", OPEN),)


@given(
    st.sampled_from(StepKind),
    st.sampled_from(TaskState),
    st.frozensets(st.sampled_from(Standing), min_size=1),
)
def test_while_it_waits_nobody_begins_a_task_and_all_else_is_as_it_was(
    step: StepKind, state: TaskState, standings: frozenset[Standing]
) -> None:
    """Whoever could only begin it is told what it waits for."""
    rest = standings - BEGINNING.get(step, frozenset())

    def outcome(standings: frozenset[Standing], *blockers: Blocker) -> object:
        try:
            return decide(step, state, standings, blockers=blockers)
        except (StepNotYours, StepRefused, TaskBlocked) as refused:
            return type(refused)

    expected, told = outcome(rest), outcome(standings, *BLOCKERS)
    if isinstance(expected, Move):
        assert told == expected
    else:
        begins = isinstance(outcome(standings), Move)
        assert told is (TaskBlocked if begins else outcome(standings))
    blocked = possible_steps(state, standings, blocked=True)
    assert (step in blocked) is isinstance(expected, Move)
