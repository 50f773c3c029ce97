"""Series of tasks over HTTP, one by one and by file."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.places.models import Place
from geoservices.tasks import recurring
from geoservices.tasks.models import Task, TaskSeries
from tests.api import asking
from tests.factories import make_place

HEAD = "external_id,place,title,starts_at,due_at,ends_at,rule\n"
OPENING = (
    "S1,Exeter Library,Open the hall,2030-03-01T09:00,2030-03-01T09:30,2030-03-01T12:00,"
    '"FREQ=WEEKLY;BYDAY=FR,SU;UNTIL=20310101"\n'
)


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    place = make_place(session, organisation)
    session.commit()
    return place


def sent(manager: Client, data: str, media_type: str = "text/csv") -> Response:
    """The answer to a file."""
    answer = manager.post(
        "/v1/tasks/imports", content=data.encode(), headers={"content-type": media_type}
    )
    assert answer.status_code == 201, answer.text
    return answer


def lines_of(manager: Client, answer: Response) -> list[dict[str, Any]]:
    """What became of each line."""
    told: list[dict[str, Any]] = manager.get(answer.json()["lines"]).json()["items"]
    return told


def test_a_series_is_made_seen_changed_and_ended(manager: Client, place: Place) -> None:
    """The same again changes nothing, and ending it twice does nothing."""
    body = asking.series(place.id, id=str(uuid4()), due_after="PT4H", lasts="P1D")

    first = manager.post("/v1/tasks/series", json=body)
    again = manager.post("/v1/tasks/series", json=body)
    address = first.headers["location"]
    changed = manager.put(address, json={**body, "title": "Open both halls"})

    assert (first.status_code, again.status_code, changed.status_code) == (201, 200, 200)
    assert again.json() == first.json()
    told = first.json()
    assert (told["due_after"], told["lasts"]) == ("PT4H", "P1D")
    assert (told["time_zone"], told["rule"]) == ("Europe/London", "FREQ=DAILY;COUNT=10")
    assert told["next_at"] == told["starts_at"]
    assert manager.get(address).json() == changed.json()
    assert manager.get("/v1/tasks/series").json()["items"] == [changed.json()]
    elsewhere = manager.get("/v1/tasks/series", params={"place_id": str(uuid4())})
    assert elsewhere.json()["items"] == []
    for _again in range(2):
        assert manager.delete(address).status_code == 204
    ended = manager.get(address).json()
    assert ended["next_at"] is None
    assert ended["ended_at"] is not None
    refused = manager.put(address, json=body)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/series-over")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"rule": "FREQ=DAILY"}, "recurrence-refused", "/rule"),
        ({"rule": "every day"}, "recurrence-refused", "/rule"),
        ({"time_zone": "Europe/Exeter"}, "time-zone-unknown", "/time_zone"),
        ({"due_after": "P2D", "lasts": "P1D"}, "series-refused", "/due_after"),
        ({"skill": "climber", "team_id": str(uuid4())}, "assigned-twice", "/assigned_to"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_stored(
    manager: Client, session: Session, place: Place, change: dict[str, Any], code: str, field: str
) -> None:
    """With what to change."""
    answer = manager.post("/v1/tasks/series", json=asking.series(place.id, **change))

    told = answer.json()
    assert (answer.status_code, told["type"], told["field"]) == (422, f"/problems/{code}", field)
    assert session.scalars(select(TaskSeries)).all() == []


def test_a_task_tells_of_which_series_it_is(
    manager: Client, session: Session, place: Place
) -> None:
    """And which occurrence."""
    series = manager.post("/v1/tasks/series", json=asking.series(place.id)).json()
    recurring.make_due(session, at=asking.now() + timedelta(days=3), limit=9)
    session.commit()

    [task] = manager.get("/v1/tasks").json()["items"]

    assert task["series_id"] == series["id"]
    assert task["occurs_at"] == task["starts_at"]


def test_a_file_makes_changes_and_ends_series(
    manager: Client, session: Session, place: Place
) -> None:
    """By their references, as it does with tasks."""
    answers = [
        sent(manager, HEAD + line)
        for line in (OPENING, OPENING, OPENING.replace("hall", "halls"), OPENING)
    ]
    answers += [sent(manager, "external_id,cancelled\nS1,yes\n") for _again in range(2)]

    outcomes = [lines_of(manager, answer)[0]["outcome"] for answer in answers]
    assert outcomes == ["made", "same", "changed", "changed", "changed", "same"]
    [series] = session.scalars(select(TaskSeries))
    assert {lines_of(manager, answer)[0]["series_id"] for answer in answers} == {str(series.id)}
    assert {lines_of(manager, answer)[0]["task_id"] for answer in answers} == {None}
    assert (series.external_id, series.place_id) == ("S1", place.id)
    assert series.rule == "FREQ=WEEKLY;UNTIL=20310101;BYDAY=FR,SU"
    assert (str(series.due_after), str(series.lasts)) == ("0:30:00", "3:00:00")
    assert series.ended_at is not None


def test_json_says_the_same(manager: Client, session: Session, place: Place) -> None:
    """With instants and lists."""
    task = {
        "external_id": "S1",
        "place": str(place.id),
        "title": "Open the hall",
        "starts_at": "2030-03-01T09:00:00Z",
        "rule": "FREQ=WEEKLY;COUNT=3",
        "checklist": ["Door"],
    }

    answer = sent(manager, json.dumps({"tasks": [task]}), "application/json")

    assert lines_of(manager, answer)[0]["outcome"] == "made"
    [series] = session.scalars(select(TaskSeries))
    assert series.checklist == [{"id": "door", "text": "Door"}]


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("before", "line", "field", "told"),
    [
        ("", OPENING.replace(";UNTIL=20310101", ""), "rule", "never ends"),
        ("", OPENING.replace("FREQ=WEEKLY", "FREQ=HOURLY"), "rule", "DAILY, WEEKLY"),
        ("", OPENING.replace("2030-03-01T09:00,", ","), "starts_at", "first of what comes again"),
        ("", OPENING.replace("09:30", "13:30"), "due_at", "due after its end"),
        (OPENING, "S1,Exeter Library,Open the hall,,,,\n", "rule", "stands for a series"),
        ("S1,Exeter Library,Open the hall,,,,\n", OPENING, "rule", "stands for a single task"),
    ],
)
def test_lines_that_cannot_be_are_told_of(
    manager: Client, session: Session, before: str, line: str, field: str, told: str
) -> None:
    """Under their columns, and nothing is changed."""
    if before:
        sent(manager, HEAD + before)
    count = len([*session.scalars(select(TaskSeries)), *session.scalars(select(Task))])

    [refused] = lines_of(manager, sent(manager, HEAD + line))

    assert refused["outcome"] == "refused"
    assert [problem["field"] for problem in refused["problems"]] == [field]
    assert told in refused["problems"][0]["detail"]
    session.expire_all()
    assert len([*session.scalars(select(TaskSeries)), *session.scalars(select(Task))]) == count
