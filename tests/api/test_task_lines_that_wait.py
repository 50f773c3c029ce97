"""Files whose tasks wait for one another, in whatever order their lines stand."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Client, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right
from geoservices.accounts.models import Organisation
from geoservices.database import SessionFactory, transaction
from geoservices.imports import queries, service
from geoservices.imports.models import ImportMode, Outcome
from geoservices.imports.reading import read_csv
from geoservices.places.models import Place
from geoservices.tasks.models import Task
from tests.api.asking import listing
from tests.factories import make_organisation, make_place

HEAD = "external_id,place,title,depends_on\n"
LONG = 450


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    place = make_place(session, organisation)
    session.commit()
    return place


def sent(manager: Client, *lines: str, **asked: str) -> Response:
    """The answer to a file."""
    answer = manager.post(
        "/v1/tasks/imports",
        params=asked,
        content="\n".join([HEAD.strip(), *lines]).encode(),
        headers={"content-type": "text/csv"},
    )
    assert answer.status_code == 201, answer.text
    return answer


def line(external_id: str, *depends_on: str) -> str:
    """A line of a task with its reference as its title."""
    return f"{external_id},Exeter Library,{external_id},{'|'.join(depends_on)}"


def told(manager: Client, answer: Response) -> list[tuple[int, str, str]]:
    """Of each line its number, its outcome, and its first problem."""
    lines: list[dict[str, Any]] = manager.get(answer.json()["lines"]).json()["items"]
    return [
        (one["line"], one["outcome"], one["problems"][0]["detail"] if one["problems"] else "")
        for one in lines
    ]


def waits(session: Session) -> dict[str, list[str]]:
    """For what each task waits, by their titles."""
    session.expire_all()
    tasks = {task.id: task for task in session.scalars(select(Task))}
    return {
        task.title: sorted(tasks[one].title for one in task.depends_on) for task in tasks.values()
    }


@pytest.mark.usefixtures("place")
def test_a_line_names_others_by_their_references(manager: Client, session: Session) -> None:
    """Those of later lines too; what was there before may be named by its id."""
    first = sent(manager, line("C", "B", "A"), line("B", "A"), line("A"))
    [a] = [task.id for task in session.scalars(select(Task)) if task.title == "A"]
    again = sent(manager, line("C", "A", str(a), "B"), line("B", "A"), line("D", str(a)))
    none = sent(manager, line("C"))

    assert [one[:2] for one in told(manager, first)] == [(2, "made"), (3, "made"), (4, "made")]
    assert [one[1] for one in told(manager, again)] == ["same", "same", "made"]
    assert [one[1] for one in told(manager, none)] == ["changed"]
    assert waits(session) == {"A": [], "B": ["A"], "C": [], "D": ["A"]}


@pytest.mark.usefixtures("place")
def test_lines_that_wait_for_one_another_are_named(manager: Client, session: Session) -> None:
    """Each of them by its line; what waits for them has nothing to wait for."""
    answer = sent(
        manager,
        *(line("A", "B"), line("B", "C"), line("C", "A"), line("D", "D")),
        *(line("E", "A"), line("F")),
        mode="what-is-good",
    )

    a, b, c = "A (line 2)", "B (line 3)", "C (line 4)"
    ring = "{} would wait for {}, which waits for {}, which waits for {}. Leave one of them out."
    assert told(manager, answer) == [
        (2, "refused", ring.format(a, b, c, a)),
        (3, "refused", ring.format(b, c, a, b)),
        (4, "refused", ring.format(c, a, b, c)),
        (5, "refused", "D (line 5) would wait for itself. Leave it out."),
        (6, "refused", "You manage no task A. Leave it out, or mend its line first."),
        (7, "made", ""),
    ]
    assert waits(session) == {"F": []}


@pytest.mark.usefixtures("place")
def test_a_line_makes_no_cycle_with_what_was_there(manager: Client, session: Session) -> None:
    """Unless the file undoes it as well, in whichever line."""
    sent(manager, line("A", "B"), line("B"))

    cycle = sent(manager, line("B", "A"))
    turned = sent(manager, line("B", "A"), line("A"))

    [(_line, outcome, detail)] = told(manager, cycle)
    assert outcome == "refused"
    assert detail.startswith("\u201cB\u201d would wait for \u201cA\u201d, which waits for")
    assert [one[1] for one in told(manager, turned)] == ["changed", "changed"]
    assert waits(session) == {"A": [], "B": ["A"]}


def test_one_by_one_it_is_the_same(manager: Client, session: Session, place: Place) -> None:
    """A reference that nobody knows is refused, as is a cycle."""
    body = {"place": str(place.id), "title": "B", "depends_on": ["A"]}

    unknown = manager.put("/v1/tasks/by-external-id/B", json=body)
    manager.put("/v1/tasks/by-external-id/A", json={**body, "title": "A", "depends_on": []})
    made = manager.put("/v1/tasks/by-external-id/B", json=body)
    cycle = manager.put(
        "/v1/tasks/by-external-id/A", json={**body, "title": "A", "depends_on": ["B"]}
    )

    assert (unknown.status_code, made.status_code, cycle.status_code) == (422, 201, 422)
    assert unknown.json()["errors"][0]["field"] == "/depends_on"
    assert "would wait for" in cycle.json()["detail"]
    assert waits(session) == {"A": [], "B": ["A"]}


def test_a_line_waits_for_nothing_of_others(
    manager: Client, session: Session, place: Place
) -> None:
    """Another organisation's task is as none."""
    kent = make_place(session, make_organisation(session, "kent"))
    theirs = Task(
        id=uuid4(),
        organisation_id=kent.organisation_id,
        created_at=clock.now(),
        **{**listing(kent.id, title="Secret"), "kind": "task", "starts_at": clock.now()},
        text="",
        evidence_needed="self-declared",
    )
    session.add(theirs)
    session.commit()

    answer = sent(manager, line("A", str(theirs.id)))

    assert told(manager, answer)[0][2].startswith(f"You manage no task {theirs.id}.")
    assert place.name == "Exeter Library"


def test_a_cancelled_line_is_named_by_what_its_task_is_called(
    committed: SessionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it need not say so itself, and what it came to is known of from the check alone."""
    monkeypatch.setattr(service, "AT_ONCE", 1)
    with transaction(committed) as session:
        organisation = make_organisation(session)
        make_place(session, organisation)

    for rows in (
        ("A1,Exeter Library,Sweep,,", "B1,Exeter Library,Mop,A1,"),
        ("B1,,,,yes", "A1,Exeter Library,Sweep,B1,"),
    ):
        with transaction(committed) as session:
            import_id = asked_for(
                session, organisation, ImportMode.ALL_OR_NOTHING, HEAD.strip() + ",cancelled", *rows
            )
        assert service.carry_out(committed, import_id)

    with transaction(committed) as session:
        [said] = queries.lines_of(session, import_id, outcome=Outcome.REFUSED, after=0, limit=9)
        assert said.problems[0]["detail"] == (
            "\u201cSweep\u201d would wait for \u201cMop\u201d, which waits for "
            "\u201cSweep\u201d. Leave one of them out."
        )


def asked_for(session: Session, organisation: Organisation, mode: ImportMode, *lines: str) -> UUID:
    """A file that was asked to be taken in."""
    return service.ask_for(
        session,
        read_csv("\n".join(lines).encode(), time_zone="Europe/London", most=LONG),
        mode=mode,
        dry_run=False,
        time_zone="Europe/London",
        grant=by_operator(organisation.id, Right.LISTINGS_WRITE),
        at=clock.now(),
    ).id


@pytest.mark.parametrize("mode", ImportMode)
def test_a_long_file_may_name_what_comes_much_later(
    committed: SessionFactory, mode: ImportMode
) -> None:
    """Its lines are applied so that each comes after those it waits for, some at a time."""
    rows = [line(f"A{number}", f"A{number + 1}") for number in range(LONG - 1)]
    with transaction(committed) as session:
        organisation = make_organisation(session)
        make_place(session, organisation)
        last = line(f"A{LONG - 1}")
        import_id = asked_for(session, organisation, mode, HEAD.strip(), *rows, last)

    assert service.carry_out(committed, import_id)

    with transaction(committed) as session:
        assert queries.count_outcomes(session, [import_id])[import_id] == {"made": LONG}
        expected = {f"A{number}": [f"A{number + 1}"] for number in range(LONG - 1)}
        assert waits(session) == {**expected, f"A{LONG - 1}": []}
