"""Tasks that wait for others, over HTTP."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Client, Response
from sqlalchemy import update
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation
from geoservices.members.models import Team, TeamMember
from geoservices.places.models import Place
from geoservices.tasks.models import Task
from tests.api.asking import listing
from tests.api.callers import person_of
from tests.api.conftest import with_token
from tests.factories import NOON, make_access_token, make_organisation, make_place


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    place = make_place(session, organisation)
    session.commit()
    return place


@pytest.fixture
def ann(anyone: Client, session: Session, organisation: Organisation) -> Client:
    """One of the staff."""
    token = make_access_token(session, organisation, Role.STAFF)
    session.commit()
    return with_token(anyone, token)


def said(place: Place, title: str, *depends_on: str, **more: Any) -> dict[str, Any]:
    """What a manager says of a task."""
    return listing(place.id, kind="task", title=title, depends_on=list(depends_on), **more)


def publish(manager: Client, place: Place, title: str, *depends_on: str, **more: Any) -> str:
    """Have something to be done; return its id."""
    answer = manager.post("/v1/listings", json=said(place, title, *depends_on, **more))
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    assert told["depends_on"] == sorted(set(depends_on))
    return str(told["id"])


def change(manager: Client, task: str, place: Place, title: str, *depends_on: str) -> Response:
    """Say something else of a task."""
    body = said(place, title, *depends_on)
    return manager.put(f"/v1/listings/{task}", json={**body, "id": None})


def seen(client: Client, task: str) -> dict[str, Any]:
    """A task as somebody sees it."""
    told: dict[str, Any] = client.get(f"/v1/tasks/{task}").json()
    return told


def problem(answer: Response, status: int, code: str) -> dict[str, Any]:
    """What a refusal says, which must be that one."""
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["type"]) == (status, f"/problems/{code}"), told
    return told


def test_a_task_is_begun_once_what_it_waits_for_is_done(
    manager: Client, place: Place, ann: Client
) -> None:
    """Before, claiming it is refused, and so is saying at once that it is done."""
    power = publish(manager, place, "Switch off")
    ladder = publish(manager, place, "Bring the ladder")
    lamp = publish(manager, place, "Change the lamp", power, ladder)

    blocked = seen(ann, lamp)
    assert blocked["state"] == "open"
    assert blocked["possible"] == ["decline", "note"]
    assert blocked["blocked_by"] == [
        {"id": ladder, "title": "Bring the ladder", "state": "open"},
        {"id": power, "title": "Switch off", "state": "open"},
    ]
    for step, body in (("claim", None), ("done", {})):
        told = problem(ann.post(f"/v1/tasks/{lamp}/{step}", json=body), 409, "task-blocked")
        assert told["blocked_by"] == blocked["blocked_by"]
        assert told["possible"] == blocked["possible"]
        assert "\u201cSwitch off\u201d, which is open" in told["detail"]
    assert ann.post(f"/v1/tasks/{power}/done", json={}).status_code == 200
    assert [one["title"] for one in seen(ann, lamp)["blocked_by"]] == ["Bring the ladder"]
    problem(ann.post(f"/v1/tasks/{lamp}/claim"), 409, "task-blocked")
    assert ann.post(f"/v1/tasks/{ladder}/done", json={}).status_code == 200

    assert ann.post(f"/v1/tasks/{lamp}/claim").status_code == 200
    assert seen(ann, lamp)["blocked_by"] == []


def test_what_is_cancelled_stays_in_the_way_until_it_is_taken_out(
    manager: Client, place: Place, ann: Client
) -> None:
    """And whoever is refused is told so."""
    power = publish(manager, place, "Switch off")
    lamp = publish(manager, place, "Change the lamp", power)
    manager.post(f"/v1/tasks/{power}/cancel", json={})

    told = problem(ann.post(f"/v1/tasks/{lamp}/claim"), 409, "task-blocked")
    assert told["blocked_by"] == [{"id": power, "title": "Switch off", "state": "cancelled"}]
    assert "take out of `depends_on`" in told["detail"]
    assert change(manager, lamp, place, "Change the lamp").status_code == 200

    assert ann.post(f"/v1/tasks/{lamp}/claim").status_code == 200


def test_whoever_had_it_already_may_say_that_it_is_done(
    manager: Client, place: Place, ann: Client
) -> None:
    """It came to wait only afterwards: they cannot begin it, and their word still counts."""
    power = publish(manager, place, "Switch off")
    lamp = publish(manager, place, "Change the lamp")
    ann.post(f"/v1/tasks/{lamp}/claim")
    assert change(manager, lamp, place, "Change the lamp", power).status_code == 200

    problem(ann.post(f"/v1/tasks/{lamp}/start"), 409, "task-blocked")
    assert ann.post(f"/v1/tasks/{lamp}/done", json={}).status_code == 200


def test_a_cycle_is_refused_and_named(manager: Client, place: Place) -> None:
    """Of two, of three and of one; nothing is changed."""
    one = publish(manager, place, "One")
    two = publish(manager, place, "Two", one)
    three = publish(manager, place, "Three", two)

    told = problem(change(manager, one, place, "One", three), 422, "dependency-cycle")

    assert told["cycle"] == [one, three, two]
    assert told["detail"].startswith(
        "\u201cOne\u201d would wait for \u201cThree\u201d, which waits for \u201cTwo\u201d, "
        "which waits for \u201cOne\u201d."
    )
    assert told["field"] == "/depends_on"
    itself = problem(change(manager, one, place, "One", one), 422, "dependency-cycle")
    assert itself["detail"].startswith("\u201cOne\u201d would wait for itself.")
    assert seen(manager, one)["depends_on"] == []


def test_it_waits_for_nothing_that_is_not_there(
    manager: Client, session: Session, place: Place
) -> None:
    """Nor for another organisation's task, of which nothing is told."""
    stranger = make_place(session, make_organisation(session, "kent"))
    session.commit()
    theirs = with_token(
        manager, make_access_token(session, session.get_one(Organisation, stranger.organisation_id))
    )
    session.commit()
    of_kent = publish(theirs, stranger, "Secret")

    for unknown in (str(uuid4()), of_kent):
        answer = manager.post("/v1/listings", json=said(place, "Lamp", unknown))
        told = problem(answer, 422, "dependency-unknown")
        assert unknown in told["detail"]
        assert "Secret" not in answer.text


def test_what_is_out_of_reach_is_waited_for_without_its_name(
    manager: Client, session: Session, organisation: Organisation, place: Place
) -> None:
    """Whoever may not see the other place is told that there is something, and where it stands.

    They keep it when they change the task, and have nothing else wait for it.
    """
    far = make_place(session, organisation, name="Barnstaple Library")
    place.tags = ["exeter"]
    token = make_access_token(session, organisation, Role.MANAGER)
    person_of(session, token).reach = {"tags": ["exeter"], "area": None}
    session.commit()
    limited = with_token(manager, token)
    power = publish(manager, far, "Switch off")
    lamp = publish(manager, place, "Change the lamp", power)

    told = problem(limited.post(f"/v1/tasks/{lamp}/claim"), 409, "task-blocked")

    assert told["blocked_by"] == [{"id": power, "title": None, "state": "open"}]
    assert "a task at another place, which is open" in told["detail"]
    assert "Switch off" not in limited.get(f"/v1/tasks/{lamp}").text
    assert change(limited, lamp, place, "Mend the lamp", power).status_code == 200
    answer = limited.post("/v1/listings", json=said(place, "Ladder", power))
    problem(answer, 422, "dependency-unknown")


def test_the_same_again_changes_nothing_in_whatever_order(manager: Client, place: Place) -> None:
    """What is named twice is waited for once."""
    one, two = publish(manager, place, "One"), publish(manager, place, "Two")
    body = said(place, "Three", two, one, two, id=str(uuid4()))

    first = manager.post("/v1/listings", json=body)
    again = manager.post("/v1/listings", json={**body, "depends_on": [one, two]})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()


def test_an_assignment_is_written_down_with_whom_it_is_for(
    manager: Client, session: Session, organisation: Organisation, place: Place
) -> None:
    """A person, a team, a skill, or whoever comes by."""
    member = person_of(session, make_access_token(session, organisation, Role.STAFF))
    team = Team(organisation_id=organisation.id, name="Caretakers", created_at=NOON)
    session.add(team)
    session.flush()
    session.add(TeamMember(team_id=team.id, person_id=member.id))
    session.commit()
    task = publish(manager, place, "Change the lamp")
    said_so: list[dict[str, str]] = [
        {"assigned_to": str(member.id)},
        {"team_id": str(team.id)},
        {"skill": "climber"},
        {},
    ]
    for one in said_so:
        assert manager.put(f"/v1/tasks/{task}/assignment", json=one).status_code == 200

    steps = reversed(seen(manager, task)["steps"])
    assert [
        {
            name: step[told]
            for name, told in (
                ("assigned_to", "for_person_id"),
                ("team_id", "for_team_id"),
                ("skill", "for_skill"),
            )
            if step[told] is not None
        }
        for step in steps
    ] == said_so


def test_a_task_that_is_gone_is_waited_for_no_more(
    manager: Client, session: Session, place: Place, ann: Client
) -> None:
    """With its place, say."""
    lamp = publish(manager, place, "Change the lamp")
    session.execute(
        update(Task.__table__)  # type: ignore[arg-type]
        .where(Task.__table__.c.id == UUID(lamp))
        .values(depends_on=[uuid4()])
    )
    session.commit()

    assert ann.post(f"/v1/tasks/{lamp}/claim").status_code == 200
