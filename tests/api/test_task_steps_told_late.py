"""Steps of phones that were out of reach of any network, replayed in whatever order."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Client, Response
from sqlalchemy import update
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation
from geoservices.places.models import Place
from geoservices.tasks.models import Task
from tests.api.asking import listing
from tests.api.conftest import with_token
from tests.factories import make_access_token, make_place

MINUTE = timedelta(minutes=1)
CHECKLIST = [{"id": one, "text": one} for one in ("off", "new")]
Hire = Callable[[], Client]


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    place = make_place(session, organisation)
    session.commit()
    return place


@pytest.fixture
def hire(anyone: Client, session: Session, organisation: Organisation) -> Hire:
    """Makes members of staff."""

    def make() -> Client:
        token = make_access_token(session, organisation, Role.STAFF)
        session.commit()
        return with_token(anyone, token)

    return make


@pytest.fixture
def task(manager: Client, place: Place) -> str:
    """The address of something to be done."""
    body = listing(place.id, kind="task", title="Change the lamp", checklist=CHECKLIST)
    answer = manager.post("/v1/listings", json=body)
    return f"/v1/tasks/{answer.json()['id']}"


def ago(minutes: float) -> str:
    """A moment that many minutes before now."""
    return (clock.now() - minutes * MINUTE).isoformat()


def let_lease_end(session: Session, task: str) -> None:
    """As if it had run out an hour ago."""
    session.execute(
        update(Task.__table__)  # type: ignore[arg-type]
        .where(Task.__table__.c.id == UUID(task.rsplit("/", 1)[1]))
        .values(leased_until=clock.now() - 60 * MINUTE)
    )
    session.commit()


def begin(client: Client, task: str, **said: Any) -> Response:
    """Say that one began it."""
    return client.post(f"{task}/start", json=said)


def tick(client: Client, task: str, **said: Any) -> Response:
    """Say that one ticked items."""
    return client.patch(task, json=said)


def steps(client: Client, task: str) -> list[tuple[str, str]]:
    """What was done, oldest first, and where it then stood."""
    items = client.get(f"{task}/steps").json()["items"]
    return [(one["kind"], one["state"]) for one in reversed(items)]


def test_a_queue_is_replayed_as_it_was_and_again_changes_nothing(hire: Hire, task: str) -> None:
    """Each step by the phone's clock; the whole queue twice is as good as once."""
    ann = hire()
    ann.post(f"{task}/claim")
    times = {name: ago(minutes) for name, minutes in (("s", 50), ("t", 40), ("n", 30), ("d", 20))}
    ids = {name: str(uuid4()) for name in times}

    def replay() -> list[int]:
        note = {"id": ids["n"], "noted_at": times["n"], "note": "Cold"}
        done = {"id": ids["d"], "done_at": times["d"], "checklist": ["new"]}
        answers = (
            begin(ann, task, id=ids["s"], started_at=times["s"]),
            tick(ann, task, id=ids["t"], ticked_at=times["t"], ticks={"off": True}),
            ann.post(f"{task}/notes", json=note),
            ann.post(f"{task}/done", json=done),
        )
        return [answer.status_code for answer in answers]

    first, before = replay(), ann.get(task).json()
    again = replay()

    assert (first, again) == ([200, 200, 201, 200], [200, 200, 201, 200])
    assert ann.get(task).json() == before
    told = {one["kind"]: datetime.fromisoformat(one["occurred_at"]) for one in before["steps"]}
    assert [told[kind].isoformat() for kind in ("start", "tick", "note", "done")] == list(
        times.values()
    )


def test_a_lease_that_ran_out_meanwhile_costs_nothing_while_nobody_else_has_it(
    session: Session, hire: Hire, task: str
) -> None:
    """Whoever told so afterwards has it again; told as of now it is refused."""
    ann = hire()
    ann.post(f"{task}/claim")
    let_lease_end(session, task)

    assert tick(ann, task, ticks={"off": True}).status_code == 409
    assert tick(ann, task, ticks={"off": True}, ticked_at=ago(90)).status_code == 200
    assert begin(ann, task).status_code == 409
    answer = begin(ann, task, id=str(uuid4()), started_at=ago(80))

    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["ticked"]) == ("in-progress", ["off"])
    assert steps(ann, task) == [
        ("claim", "claimed"),
        ("release", "open"),
        ("tick", "open"),
        ("start", "in-progress"),
    ]


def test_whoever_has_it_since_keeps_it(session: Session, hire: Hire, task: str) -> None:
    """The phone is told who may do what, and its own word that it was done still counts."""
    ann, ben = hire(), hire()
    ann.post(f"{task}/claim")
    let_lease_end(session, task)
    ben.post(f"{task}/claim")

    for answer in (
        begin(ann, task, started_at=ago(90)),
        tick(ann, task, ticks={"off": True}, ticked_at=ago(90)),
    ):
        told = answer.json()
        assert (answer.status_code, told["type"]) == (403, "/problems/task-step-not-yours")
        assert (told["state"], told["possible"]) == ("claimed", ["done", "note"])
    done = ann.post(f"{task}/done", json={"done_at": ago(80), "checklist": ["off", "new"]})

    assert done.status_code == 200


def test_whoever_never_had_it_tells_nothing_afterwards(hire: Hire, task: str) -> None:
    """Nor whoever it is not for any more."""
    assert begin(hire(), task, started_at=ago(9)).status_code == 409


def test_whom_it_was_taken_from_does_not_take_it_back(
    manager: Client, hire: Hire, task: str
) -> None:
    """It is for somebody else now, who has not claimed it yet."""
    ann = hire()
    ann.post(f"{task}/claim")
    manager.put(f"{task}/assignment", json={"skill": "climber"})

    assert begin(ann, task, started_at=ago(9)).status_code == 409


def test_ticks_count_by_their_clocks(hire: Hire, task: str) -> None:
    """One that comes late does not undo a younger one."""
    ann = hire()
    ann.post(f"{task}/claim")
    tick(ann, task, ticks={"off": True, "new": True}, ticked_at=ago(20))
    tick(ann, task, ticks={"off": False}, ticked_at=ago(10))

    older = tick(ann, task, ticks={"off": True, "new": False}, ticked_at=ago(15))
    now = tick(ann, task, ticks={"off": True})

    assert older.json()["ticked"] == []
    assert now.json()["ticked"] == ["off"]


@pytest.mark.parametrize(
    ("minutes", "code"), [(-10, "done-in-the-future"), (8 * 24 * 60, "done-too-long-ago")]
)
def test_times_that_cannot_be_are_refused(hire: Hire, task: str, minutes: float, code: str) -> None:
    """As for what was done; a clock a little ahead means now."""
    ann = hire()
    ann.post(f"{task}/claim")
    when = ago(minutes)

    answers = {
        "/started_at": begin(ann, task, started_at=when),
        "/ticked_at": tick(ann, task, ticks={"off": True}, ticked_at=when),
        "/noted_at": ann.post(f"{task}/notes", json={"note": "Cold", "noted_at": when}),
    }

    for field, answer in answers.items():
        told = answer.json()
        assert (answer.status_code, told["type"]) == (422, f"/problems/{code}")
        assert told["field"] == field
    assert begin(ann, task, started_at=ago(-2)).status_code == 200


def test_an_id_is_of_one_step(hire: Hire, task: str) -> None:
    """What has it already is told so."""
    ann, taken = hire(), str(uuid4())
    ann.post(f"{task}/claim")
    begin(ann, task, id=taken, started_at=ago(9))

    answer = tick(ann, task, id=taken, ticks={"off": True}, ticked_at=ago(8))

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/id-taken")
