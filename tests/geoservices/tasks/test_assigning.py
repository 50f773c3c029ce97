"""Whom a task is for."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.checkins.verification import Evidence
from geoservices.listings.drafts import EndsBeforeStart
from geoservices.listings.models import ListingKind
from geoservices.tasks.assigning import AssignedTwice, Assignment
from geoservices.tasks.drafts import ChecklistRefused, DueOutsideTask, TaskDraft
from tests.factories import NOON

ANN, BEN, DESK = uuid4(), uuid4(), uuid4()
MAYBE_PERSON = st.none() | st.sampled_from([ANN, BEN])
MAYBE_SKILL = st.none() | st.sampled_from(["plumber", "climber"])


@given(person_id=MAYBE_PERSON, team_id=st.none() | st.just(DESK), skill=MAYBE_SKILL)
def test_a_task_is_for_somebody_in_one_way(
    person_id: UUID | None, team_id: UUID | None, skill: str | None
) -> None:
    """Ann is at the desk and can climb; Ben is in no team and is a plumber."""
    assignment = Assignment(person_id=person_id, team_id=team_id, skill=skill)
    ways: list[object] = [way for way in (person_id, team_id, skill) if way is not None]

    if len(ways) > 1:
        with pytest.raises(AssignedTwice):
            assignment.check()
        return

    assignment.check()
    assert assignment.lets(ANN, team_ids=frozenset({DESK}), skills=frozenset({"climber"})) == (
        ways in ([], [ANN], [DESK], ["climber"])
    )
    assert assignment.lets(BEN, team_ids=frozenset(), skills=frozenset({"plumber"})) == (
        ways in ([], [BEN], ["plumber"])
    )


HOUR = timedelta(hours=1)


def draft(**changes: object) -> TaskDraft:
    """A task from noon to two."""
    said = {
        "place_id": uuid4(),
        "kind": ListingKind.TASK,
        "title": "Change the lamp",
        "text": "",
        "evidence_needed": Evidence.SELF_DECLARED,
        "starts_at": NOON,
        "ends_at": NOON + 2 * HOUR,
    }
    return TaskDraft(**{**said, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"due_at": NOON}, DueOutsideTask),
        ({"due_at": NOON - HOUR}, DueOutsideTask),
        ({"due_at": NOON + 3 * HOUR}, DueOutsideTask),
        ({"ends_at": NOON - HOUR}, EndsBeforeStart),
        ({"checklist": [{"id": "a", "text": "One"}, {"id": "a", "text": "Two"}]}, ChecklistRefused),
        ({"assigned_to": ANN, "skill": "plumber"}, AssignedTwice),
    ],
)
def test_a_draft_that_cannot_be_is_refused(
    changes: dict[str, object], refusal: type[Exception]
) -> None:
    """Before anything is stored."""
    with pytest.raises(refusal):
        draft(**changes).check()


@pytest.mark.parametrize("ends_at", [None, NOON + 2 * HOUR])
def test_a_task_may_be_due_at_its_end_or_without_one(ends_at: object) -> None:
    """Nothing is wrong with that."""
    draft(due_at=NOON + 2 * HOUR, ends_at=ends_at).check()
