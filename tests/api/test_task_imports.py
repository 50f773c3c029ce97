"""Tasks that another system brings, over HTTP: short files, and one by one."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation, Person
from geoservices.imports.models import TaskImport, TaskImportLine
from geoservices.listings.models import Listing
from geoservices.members.models import Team
from geoservices.places.models import Place
from geoservices.tasks.models import Task, TaskStep
from tests.api.conftest import with_token
from tests.factories import (
    NOON,
    make_access_token,
    make_manager,
    make_organisation,
    make_place,
    share_place,
)

ALL = ("all-or-nothing", "what-is-good")


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """A library of Devon's."""
    place = make_place(session, organisation)
    place.external_id = "LIB-7"
    session.commit()
    return place


def sent(client: Client, text: str, **asked: Any) -> Response:
    """The answer to a CSV file."""
    headers = {"Content-Type": "text/csv; charset=utf-8"}
    content = text.encode()
    return client.post("/v1/tasks/imports", params=asked, content=content, headers=headers)


def lines_of(client: Client, answer: Response, **asked: Any) -> list[dict[str, Any]]:
    """What became of the lines of a file."""
    items: list[dict[str, Any]] = client.get(answer.json()["lines"], params=asked).json()["items"]
    return items


def tasks(session: Session) -> dict[str, Task]:
    """Every task by its title."""
    session.expire_all()
    return {task.title: task for task in session.scalars(select(Task))}


def counts(answer: Response) -> tuple[int, int, int, int]:
    """How many were made, changed, the same and refused."""
    told = answer.json()
    return told["made"], told["changed"], told["same"], told["refused"]


def test_a_file_makes_changes_and_leaves_tasks(
    manager: Client, session: Session, place: Place
) -> None:
    """Whatever it is sent how often, the tasks are as its last version says."""
    head = "external_id;place;title;priority;due_at;checklist\n"
    boiler = "A1;Exeter library;Boiler;high;04/07/2026 09:30;Bleed|Refill\n"

    first = sent(manager, head + boiler + "A2;lib-7;Roof;;;\n")
    again = sent(manager, head + boiler + f"A2;{place.id};Roof;;;\n")
    later = sent(manager, head + boiler.replace("high", "urgent"))

    assert (first.status_code, first.json()["state"]) == (201, "done")
    assert first.json()["time_zone"] == "Europe/London"
    assert [counts(one) for one in (first, again, later)] == [
        (2, 0, 0, 0),
        (0, 0, 2, 0),
        (0, 1, 0, 0),
    ]
    made = tasks(session)
    assert set(made) == {"Boiler", "Roof"}
    assert made["Boiler"].priority == "urgent"
    assert made["Boiler"].due_at is not None
    assert made["Boiler"].due_at.isoformat() == "2026-07-04T08:30:00+00:00"
    assert [item["text"] for item in made["Boiler"].checklist] == ["Bleed", "Refill"]
    assert made["Roof"].place_id == place.id
    told = lines_of(manager, first)
    assert [(line["line"], line["external_id"], line["outcome"]) for line in told] == [
        (2, "A1", "made"),
        (3, "A2", "made"),
    ]
    assert told[0]["task_id"] == str(made["Boiler"].id)
    listed = manager.get("/v1/tasks/imports").json()["items"]
    assert [one["id"] for one in listed] == [one.json()["id"] for one in (later, again, first)]
    assert manager.get(first.headers["location"]).json() == first.json()


@pytest.mark.usefixtures("place")
def test_what_was_sent_is_not_kept(manager: Client, session: Session) -> None:
    """An address stands in a line only until something has become of it."""
    sent(manager, "external_id,place,title,assignee\nA1,LIB-7,Boiler,nobody@devon.example\n")

    [line] = session.scalars(select(TaskImportLine))
    assert line.said is None
    assert "devon.example" not in str(line.problems)


@pytest.mark.parametrize("mode", ALL)
@pytest.mark.usefixtures("place")
def test_a_line_that_is_refused(manager: Client, session: Session, mode: str) -> None:
    """Keeps all the others from being taken in, or none, as was asked for."""
    answer = sent(
        manager,
        "external_id,place,title,due_at\nA1,LIB-7,Boiler,\nA2,LIB-8,Roof,\nA3,LIB-7,,soon\n",
        mode=mode,
    )

    assert answer.status_code == 201
    assert counts(answer) == (1, 0, 0, 2)
    assert answer.json()["applied"] is (mode == "what-is-good")
    assert set(tasks(session)) == ({"Boiler"} if mode == "what-is-good" else set())
    refused = lines_of(manager, answer, outcome="refused")
    assert [(line["line"], [one["field"] for one in line["problems"]]) for line in refused] == [
        (3, ["place"]),
        (4, ["due_at", "title"]),
    ]
    made = lines_of(manager, answer, outcome="made")
    assert (made[0]["task_id"] is None) is (mode == "all-or-nothing")


@pytest.mark.parametrize("mode", ALL)
@pytest.mark.usefixtures("place")
def test_for_show_nothing_is_touched(manager: Client, session: Session, mode: str) -> None:
    """And it is told what would have been done."""
    sent(manager, "external_id,place,title\nA1,LIB-7,Boiler\n")

    answer = sent(
        manager,
        "external_id,place,title\nA1,LIB-7,Old boiler\nA2,LIB-7,Roof\n",
        mode=mode,
        dry_run=True,
    )

    assert counts(answer) == (1, 1, 0, 0)
    assert answer.json()["applied"] is False
    assert set(tasks(session)) == {"Boiler"}


@pytest.mark.usefixtures("place")
def test_whom_a_task_is_for(manager: Client, session: Session, organisation: Organisation) -> None:
    """A team by its name, a member by address, a skill; what is not there is told."""
    session.add(Team(organisation_id=organisation.id, name="Caretakers", created_at=NOON))
    anna = session.get_one(Person, _member(session, organisation, Role.STAFF, "anna@devon.example"))
    _member(session, organisation, Role.KIOSK, "kiosk@devon.example")
    session.commit()

    answer = sent(
        manager,
        "external_id,place,title,team,assignee,skill\n"
        "A1,LIB-7,By team,caretakers,,\n"
        "A2,LIB-7,By Anna,,Anna@Devon.example,\n"
        "A3,LIB-7,By skill,,,Gas Fitter\n"
        "A4,LIB-7,By nobody,Cleaners,,\n"
        "A5,LIB-7,By machine,,kiosk@devon.example,\n"
        "A6,LIB-7,By two,caretakers,anna@devon.example,\n",
        mode="what-is-good",
    )

    made = tasks(session)
    assert set(made) == {"By team", "By Anna", "By skill"}
    assert made["By Anna"].assigned_to == anna.id
    assert made["By skill"].skill == "gas fitter"
    assert made["By team"].team_id is not None
    refused = lines_of(manager, answer, outcome="refused")
    assert [line["problems"][0]["field"] for line in refused] == ["team", "assignee", "assignee"]


def _member(session: Session, organisation: Organisation, role: Role, email: str) -> Any:
    person = Person(
        organisation_id=organisation.id,
        role=role,
        email=email,
        time_zone="Europe/London",
        created_at=NOON,
    )
    session.add(person)
    session.flush()
    return person.id


@pytest.mark.usefixtures("place")
def test_places_that_share_a_name_are_not_guessed_at(
    manager: Client, session: Session, organisation: Organisation
) -> None:
    """Their ids and references tell them apart."""
    make_place(session, organisation)
    session.commit()

    answer = sent(manager, "external_id,place,title\nA1,Exeter Library,Boiler\n")

    [line] = lines_of(manager, answer)
    assert line["problems"][0]["detail"].startswith("There are 2 that are called so.")


def test_reach_and_shares_count(
    anyone: Client, session: Session, organisation: Organisation, place: Place
) -> None:
    """A limited manager brings tasks within reach, a partner to places that are shared."""
    place.tags = ["coast"]
    inland = make_place(session, organisation, name="Inland")
    partner = make_organisation(session, "exeter")
    share_place(session, place, partner)
    limited = make_manager(session, organisation, reach={"tags": ["coast"], "area": None})
    partners = make_access_token(session, partner)
    session.commit()
    text = "external_id,place,title\nA1,LIB-7,Boiler\nA2,Inland,Roof\n"

    for token in (limited, partners):
        answer = sent(with_token(anyone, token), text, mode="what-is-good")
        assert counts(answer) == (1, 0, 0, 1)

    owners = {(task.organisation_id, task.place_id) for task in session.scalars(select(Listing))}
    assert owners == {(organisation.id, place.id), (partner.id, place.id)}
    assert inland.id not in {place_id for _, place_id in owners}


@pytest.mark.usefixtures("place")
def test_a_task_is_cancelled_and_not_revived(manager: Client, session: Session) -> None:
    """With a line in its history; what was never made is as good as cancelled."""
    head = "external_id,place,title,cancelled\n"
    sent(manager, head + "A1,LIB-7,Boiler,no\n")

    cancelled = sent(manager, head + "A1,,,yes\nA9,,,yes\n")
    again = sent(manager, head + "A1,,,yes\n")
    revived = sent(manager, head + "A1,LIB-7,Boiler,no\n")

    assert [counts(one) for one in (cancelled, again, revived)] == [
        (0, 1, 1, 0),
        (0, 0, 1, 0),
        (0, 0, 0, 1),
    ]
    task = tasks(session)["Boiler"]
    assert (task.state, task.withdrawn_at is not None) == ("cancelled", True)
    assert [step.kind for step in session.scalars(select(TaskStep))] == ["cancel"]


@pytest.mark.usefixtures("place")
def test_json_says_the_same(manager: Client, session: Session) -> None:
    """As objects; each that is wrong is told of by itself."""
    good = {"external_id": "A1", "place": "LIB-7", "title": "Boiler", "checklist": ["Bleed"]}

    answer = manager.post(
        "/v1/tasks/imports",
        params={"mode": "what-is-good"},
        json={
            "tasks": [
                good,
                {**good, "external_id": "A2", "due_at": "04/07/2026"},
                {**good, "external_id": "A3", "starts_at": "9999-12-31T23:59:59Z"},
                {**good, "external_id": "A3", "colour": "red"},
                {"external_id": "A4"},
                good,
                "A5",
                {"external_id": "\x00"},
            ]
        },
    )

    assert counts(answer) == (1, 0, 0, 7)
    told = lines_of(manager, answer)
    assert [line["line"] for line in told] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [[one["field"] for one in line["problems"]] for line in told] == [
        [],
        ["due_at"],
        ["starts_at"],
        ["colour"],
        ["place", "title"],
        ["external_id"],
        [""],
        ["external_id"],
    ]
    assert tasks(session)["Boiler"].checklist == [{"id": "bleed", "text": "Bleed"}]


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"colour\n", "text/csv", 422, "import-refused"),
        (b"", "text/csv", 422, "import-refused"),
        (b"[]", "application/json", 422, "import-refused"),
        (b'{"tasks": {}}', "application/json", 422, "import-refused"),
        (b'{"tasks": [], "more": 1}', "application/json", 422, "import-refused"),
        (b"{", "application/json", 422, "unreadable-body"),
        (b"<a/>", "text/xml", 415, "unsupported-media-type"),
        (b"external_id\n" + b"A\n" * 6_000_000, "text/csv", 413, "body-too-large"),
        (b"external_id\n" + b"A\n" * 10_001, "text/csv", 422, "import-refused"),
    ],
)
def test_a_file_that_is_none_leaves_nothing(
    manager: Client, session: Session, content: bytes, media_type: str, status: int, code: str
) -> None:
    """Not even an import."""
    headers = {"Content-Type": media_type}

    answer = manager.post("/v1/tasks/imports", content=content, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}")
    assert session.scalars(select(TaskImport)).all() == []


@pytest.mark.usefixtures("place")
def test_one_by_one(manager: Client, session: Session) -> None:
    """By its own reference, as often as one likes."""
    address = "/v1/tasks/by-external-id/WO 17"
    body = {"place": "LIB-7", "title": "Boiler", "due_at": "2030-07-04T09:30:00+01:00"}

    made, again = manager.put(address, json=body), manager.put(address, json=body)
    changed = manager.put(address, json={**body, "title": "Roof"})

    assert [one.status_code for one in (made, again, changed)] == [201, 200, 200]
    assert made.json() == again.json()
    assert changed.json() == {**made.json(), "title": "Roof"}
    assert manager.get(address).json() == changed.json()
    assert manager.get(made.headers["location"]).json() == changed.json()
    assert set(tasks(session)) == {"Roof"}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"title": "Boiler"}, ["/place"]),
        ({}, ["/place", "/title"]),
        ({"place": str(uuid4()), "title": "Boiler"}, ["/place"]),
        ({"place": "LIB-7", "title": "x", "team": "y", "assignee": "z"}, ["/team", "/assignee"]),
        (
            {
                "place": "LIB-7",
                "title": "x",
                "starts_at": "2030-01-02T00:00:00Z",
                "ends_at": "2030-01-01T00:00:00Z",
            },
            ["/ends_at"],
        ),
        ({"place": "LIB-7", "title": "x", "due_at": "0001-01-01T00:00:00Z"}, ["/due_at"]),
    ],
)
@pytest.mark.usefixtures("place")
def test_one_that_cannot_be_is_refused(
    manager: Client, session: Session, body: dict[str, Any], fields: list[str]
) -> None:
    """With every fault."""
    answer = manager.put("/v1/tasks/by-external-id/A1", json=body)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/task-refused")
    assert [fault["field"] for fault in answer.json()["errors"]] == fields
    assert tasks(session) == {}


@pytest.mark.usefixtures("place")
def test_what_nobody_ever_made_cannot_be_cancelled(manager: Client) -> None:
    """One by one, the caller is told that there is no such thing."""
    address = "/v1/tasks/by-external-id/A1"

    assert manager.put(address, json={"cancelled": True}).status_code == 404
    assert manager.get(address).status_code == 404


@pytest.mark.usefixtures("place")
def test_whoever_has_a_task_loses_it_to_another(
    anyone: Client, manager: Client, session: Session, organisation: Organisation
) -> None:
    """As when it is assigned by hand; what has no column stays as it was."""
    address = "/v1/tasks/by-external-id/A1"
    body = {"place": "LIB-7", "title": "Boiler"}
    task_id = manager.put(address, json=body).json()["id"]
    listing = manager.get(f"/v1/listings/{task_id}").json()
    said = {
        name: listing[name]
        for name in ("place_id", "kind", "title", "text", "starts_at", "checklist")
    }
    manager.put(
        f"/v1/listings/{task_id}",
        json={**said, "evidence_needed": "inside", "escalate_to": "nobody"},
    )
    staff = make_access_token(session, organisation, Role.STAFF)
    session.commit()
    with_token(anyone, staff).post(f"/v1/tasks/{task_id}/claim")

    manager.put(address, json={**body, "skill": "gas fitter"})

    task = tasks(session)["Boiler"]
    assert (task.state, task.claimed_by, task.skill) == ("open", None, "gas fitter")
    assert (task.evidence_needed, task.escalate_to) == ("inside", "nobody")
