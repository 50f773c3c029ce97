"""Tasks over HTTP: claimed, begun, done, declined, assigned and cancelled."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Client, Response
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.access.rights import Right, Role
from geoservices.accounts.models import Organisation, Person
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import Evidence
from geoservices.listings.models import Listing
from geoservices.members.models import Team, TeamMember
from geoservices.places.models import Place
from geoservices.tasks.models import Task, TaskStep
from tests.api.asking import listing
from tests.api.callers import person_of
from tests.api.conftest import with_token
from tests.factories import (
    NOON,
    make_access_token,
    make_api_key,
    make_device,
    make_organisation,
    make_place,
)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who works there: their client, and who they are."""

    client: Client
    person: Person

    @property
    def id(self) -> str:
        """Their id, as it is told."""
        return str(self.person.id)


Hire = Callable[..., Member]


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    place = make_place(session, organisation)
    session.commit()
    return place


@pytest.fixture
def hire(anyone: Client, session: Session, organisation: Organisation) -> Hire:
    """Makes members, signed in."""

    def make(
        role: Role = Role.STAFF, *, skills: tuple[str, ...] = (), team: Team | None = None
    ) -> Member:
        token = make_access_token(session, organisation, role)
        person = person_of(session, token)
        person.skills = list(skills)
        if team is not None:
            session.add(TeamMember(team_id=team.id, person_id=person.id))
        session.commit()
        return Member(with_token(anyone, token), person)

    return make


@pytest.fixture
def ann(hire: Hire) -> Member:
    """One of the staff."""
    return hire()


@pytest.fixture
def ben(hire: Hire) -> Member:
    """Another."""
    return hire()


@pytest.fixture
def team(session: Session, organisation: Organisation) -> Team:
    """The caretakers."""
    team = Team(organisation_id=organisation.id, name="Caretakers", created_at=NOON)
    session.add(team)
    session.commit()
    return team


def publish(manager: Client, place: Place, **said: Any) -> str:
    """Have something to be done at a place; return its address."""
    body = listing(place.id, kind="task", title="Change the lamp", **said)
    answer = manager.post("/v1/listings", json=body)
    assert answer.status_code == 201, answer.text
    return f"/v1/tasks/{answer.json()['id']}"


@pytest.fixture
def task(manager: Client, place: Place) -> str:
    """Something for whoever comes by."""
    return publish(manager, place)


def refused(answer: Response, status: int, code: str) -> dict[str, Any]:
    """What a refusal says, which must be that one."""
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["type"]) == (status, f"/problems/{code}"), told
    return told


def let_lease_end(session: Session, task: str) -> None:
    """As if whoever claimed it had done so hours ago."""
    hour = timedelta(hours=1)
    session.execute(
        update(Task.__table__)  # type: ignore[arg-type]
        .where(Task.__table__.c.id == UUID(task.rsplit("/", 1)[1]))
        .values(leased_until=clock.now() - hour)
    )
    session.commit()


def steps_of(member: Member, task: str) -> list[tuple[str, str, str]]:
    """The history, oldest first: what, by what, and where it then stood."""
    items = member.client.get(f"{task}/steps").json()["items"]
    return [(one["kind"], one["by"], one["state"]) for one in reversed(items)]


def test_a_task_is_claimed_begun_ticked_and_done(
    manager: Client, place: Place, ann: Member
) -> None:
    """With everything of it in its history."""
    items = [{"id": "off", "text": "Switch off"}, {"id": "new", "text": "New lamp"}]
    task = publish(manager, place, checklist=items, priority="high")

    claimed = ann.client.post(f"{task}/claim").json()
    started = ann.client.post(f"{task}/start").json()
    ticked = ann.client.patch(task, json={"ticks": {"off": True}}).json()
    unfinished = ann.client.post(f"{task}/done", json={})
    noted = ann.client.post(f"{task}/notes", json={"note": "The last lamp that we had"})
    done = ann.client.post(f"{task}/done", json={"note": "Bright", "checklist": ["new"]}).json()

    assert (claimed["state"], claimed["claimed_by"]) == ("claimed", ann.id)
    assert claimed["possible"] == ["extend", "release", "start", "tick", "done", "decline", "note"]
    assert started["state"] == "in-progress"
    assert ticked["ticked"] == ["off"]
    assert refused(unfinished, 409, "checklist-unfinished")["unticked"] == ["new"]
    assert noted.status_code == 201
    assert (done["task"]["state"], done["task"]["claimed_by"]) == ("done", None)
    assert [one["note"] for one in done["records"]] == ["Bright"]
    assert steps_of(ann, task) == [
        ("claim", "worker", "claimed"),
        ("start", "holder", "in-progress"),
        ("tick", "holder", "in-progress"),
        ("note", "holder", "in-progress"),
        ("done", "holder", "done"),
    ]
    read = ann.client.get(task).json()
    assert [one["kind"] for one in read["steps"]] == ["done", "note", "tick", "start", "claim"]
    assert read["ticked"] == ["off", "new"]


def test_what_is_done_is_not_shown_at_the_place(place: Place, ann: Member, task: str) -> None:
    """Nobody needs to do it any more."""
    address = f"/v1/places/{place.id}/listings"
    before = ann.client.get(address).json()

    ann.client.post(f"{task}/done", json={})

    assert [one["kind"] for one in before] == ["task"]
    assert ann.client.get(address).json() == []


def test_only_one_has_a_task(ann: Member, ben: Member, task: str) -> None:
    """The other is told what is possible now; claiming again keeps the lease as it is."""
    first, again = (ann.client.post(f"{task}/claim").json() for _ in range(2))

    told = refused(ben.client.post(f"{task}/claim"), 409, "task-step-refused")

    assert first["leased_until"] == again["leased_until"]
    assert (told["state"], told["possible"]) == ("claimed", ["note"])
    for step in ("start", "extend"):
        refused(ben.client.post(f"{task}/{step}"), 403, "task-step-not-yours")
    refused(ben.client.post(f"{task}/release", json={}), 403, "task-step-not-yours")
    refused(ben.client.patch(task, json={"ticks": {"x": True}}), 403, "task-step-not-yours")


def test_a_lease_is_extended_and_given_back(ann: Member, ben: Member, task: str) -> None:
    """Whoever comes next can claim it at once."""
    claimed = ann.client.post(f"{task}/claim").json()
    extended = ann.client.post(f"{task}/extend").json()
    released = ann.client.post(f"{task}/release", json={"note": "No ladder"}).json()

    assert extended["leased_until"] > claimed["leased_until"]
    assert (released["state"], released["claimed_by"]) == ("open", None)
    assert ben.client.post(f"{task}/claim").json()["claimed_by"] == ben.id


def test_once_a_lease_is_over_others_can_claim_and_its_holder_is_told(
    session: Session, ann: Member, ben: Member, task: str
) -> None:
    """At once, by the time of day, before any job has run."""
    ann.client.post(f"{task}/claim")
    let_lease_end(session, task)

    seen = ben.client.get(task).json()
    refused(ann.client.post(f"{task}/extend"), 409, "task-step-refused")
    claimed = ben.client.post(f"{task}/claim").json()

    assert (seen["state"], seen["claimed_by"], seen["leased_until"]) == ("open", None, None)
    assert claimed["claimed_by"] == ben.id
    assert steps_of(ben, task) == [
        ("claim", "worker", "claimed"),
        ("release", "clock", "open"),
        ("claim", "worker", "claimed"),
    ]
    [told] = ann.client.get("/v1/notifications").json()["items"]
    assert told["title"] == "Change the lamp"
    assert ben.client.get("/v1/notifications").json()["items"] == []


def test_a_task_that_is_declined_is_open_for_others(ann: Member, ben: Member, task: str) -> None:
    """With the reason in its history."""
    ann.client.post(f"{task}/claim")

    declined = ann.client.post(f"{task}/decline", json={"reason": "I fear heights"}).json()

    assert declined["state"] == "open"
    assert ben.client.get(task).json()["steps"][0]["note"] == "I fear heights"
    assert ben.client.post(f"{task}/claim").status_code == 200


def test_what_is_for_one_person_is_for_nobody_else(
    manager: Client, place: Place, ann: Member, ben: Member, hire: Hire
) -> None:
    """Until a manager says otherwise; once they decline, it waits for that."""
    task = publish(manager, place, assigned_to=ann.id)

    refused(ben.client.post(f"{task}/claim"), 403, "task-step-not-yours")
    declined = ann.client.post(f"{task}/decline", json={"reason": "On leave"}).json()
    refused(ann.client.post(f"{task}/claim"), 409, "task-step-refused")
    assigned = manager.put(f"{task}/assignment", json={"assigned_to": ben.id, "note": "Please"})

    assert declined["state"] == "declined"
    assert (assigned.json()["state"], assigned.json()["assigned_to"]) == ("open", ben.id)
    refused(ann.client.post(f"{task}/claim"), 403, "task-step-not-yours")
    assert ben.client.post(f"{task}/claim").status_code == 200
    auditor, kiosk = hire(Role.AUDITOR), hire(Role.KIOSK)
    for nobody in (auditor.id, kiosk.id, str(uuid4())):
        refused(manager.put(f"{task}/assignment", json={"assigned_to": nobody}), 404, "not-found")
    assert ben.client.get(task).json()["claimed_by"] == ben.id


@pytest.mark.parametrize("way", ["team", "skill"])
def test_what_is_for_a_team_or_a_skill_is_for_whoever_has_it(
    manager: Client, place: Place, hire: Hire, ann: Member, team: Team, way: str
) -> None:
    """Ann has neither."""
    fit = hire(skills=("climber",), team=team)
    said = {"team_id": str(team.id)} if way == "team" else {"skill": " Climber "}
    task = publish(manager, place, **said)

    told = refused(ann.client.post(f"{task}/claim"), 403, "task-step-not-yours")

    assert "claim" not in told["possible"]
    assert fit.client.post(f"{task}/claim").status_code == 200


def test_a_team_lead_assigns_among_those_they_lead(
    manager: Client, place: Place, hire: Hire, ann: Member, team: Team
) -> None:
    """Ann is not one of them, nor is what she has theirs to take."""
    lead, caretaker = hire(Role.TEAM_LEAD, team=team), hire(team=team)
    task = publish(manager, place, team_id=str(team.id))
    anns = publish(manager, place, assigned_to=ann.id)
    caretaker.client.post(f"{task}/claim")

    taken = lead.client.post(f"{task}/release", json={}).json()
    given = lead.client.put(f"{task}/assignment", json={"assigned_to": caretaker.id}).json()

    assert (taken["state"], given["assigned_to"]) == ("open", caretaker.id)
    away = lead.client.put(f"{task}/assignment", json={"assigned_to": ann.id})
    refused(away, 404, "not-found")
    refused(lead.client.put(f"{anns}/assignment", json={}), 403, "task-step-not-yours")
    refused(ann.client.put(f"{task}/assignment", json={}), 403, "forbidden")
    refused(lead.client.post(f"{task}/cancel", json={}), 403, "forbidden")


def test_whoever_has_a_task_loses_it_when_it_is_assigned_anew(
    manager: Client, ann: Member, ben: Member, task: str
) -> None:
    """The same assignment again takes it from nobody."""
    ann.client.post(f"{task}/claim")
    same = manager.put(f"{task}/assignment", json={}).json()
    other = manager.put(f"{task}/assignment", json={"assigned_to": ben.id}).json()

    assert (same["claimed_by"], other["claimed_by"]) == (ann.id, None)
    refused(ann.client.post(f"{task}/extend"), 409, "task-step-refused")


def test_a_task_is_cancelled_once(manager: Client, ann: Member, task: str) -> None:
    """Whoever had it finds out when they go on with it; withdrawing it as a listing is the same."""
    ann.client.post(f"{task}/claim")

    answers = [manager.post(f"{task}/cancel", json={"note": "Sold"}).json() for _ in range(2)]

    assert [one["state"] for one in answers] == ["cancelled"] * 2
    assert answers[0]["withdrawn_at"] == answers[1]["withdrawn_at"]
    told = refused(ann.client.post(f"{task}/done", json={}), 409, "task-step-refused")
    assert (told["state"], told["possible"]) == ("cancelled", ["note"])
    assert [kind for kind, _by, _state in steps_of(ann, task)] == ["claim", "cancel"]


def test_a_withdrawn_listing_is_a_cancelled_task(manager: Client, ann: Member, task: str) -> None:
    """It cannot be claimed from then on."""
    manager.delete(task.replace("tasks", "listings"))

    told = refused(ann.client.post(f"{task}/claim"), 409, "task-step-refused")

    assert told["state"] == "cancelled"


def offline(minutes: int, **said: Any) -> dict[str, Any]:
    """That it was done so many minutes ago."""
    at = (clock.now() - timedelta(minutes=minutes)).isoformat()
    return {"id": str(uuid4()), "done_at": at, **said}


def test_done_offline_counts_though_the_lease_is_over_and_another_has_it(
    session: Session, ann: Member, ben: Member, task: str
) -> None:
    """Sending it again changes nothing."""
    ann.client.post(f"{task}/claim")
    let_lease_end(session, task)
    ben.client.post(f"{task}/claim")
    told = offline(90)

    first, again = (ann.client.post(f"{task}/done", json=told) for _ in range(2))

    assert first.status_code == 200
    assert first.json() == again.json()
    [record] = first.json()["records"]
    assert (record["id"], record["person_id"]) == (told["id"], ann.id)
    assert record["occurred_at"] < record["received_at"]
    assert first.json()["task"]["state"] == "done"


def test_a_task_done_twice_offline_is_done_once_with_both_records(
    session: Session, ann: Member, ben: Member, task: str
) -> None:
    """The one with the earlier time did it, whichever was sent first."""
    ann.client.post(f"{task}/claim")
    let_lease_end(session, task)
    ben.client.post(f"{task}/claim")

    later = ben.client.post(f"{task}/done", json=offline(10, note="Ben's")).json()
    earlier = ann.client.post(f"{task}/done", json=offline(50, note="Ann's")).json()

    assert [one["note"] for one in later["records"]] == ["Ben's"]
    assert [one["note"] for one in earlier["records"]] == ["Ann's", "Ben's"]
    assert earlier["task"]["state"] == "done"
    assert [kind for kind, *_ in steps_of(ann, task)].count("done") == 2


def test_what_was_done_before_the_end_is_done_though_it_is_told_after(
    manager: Client, place: Place, ann: Member
) -> None:
    """Whether it had expired is judged by the time at which it was done."""
    ends_at = (clock.now() - timedelta(minutes=30)).isoformat()
    task = publish(manager, place, ends_at=ends_at)

    too_late = refused(ann.client.post(f"{task}/done", json=offline(20)), 409, "task-step-refused")
    in_time = ann.client.post(f"{task}/done", json=offline(40))

    assert too_late["state"] == "expired"
    assert in_time.json()["task"]["state"] == "done"


@pytest.mark.parametrize(
    ("ahead", "code"),
    [(timedelta(minutes=10), "done-in-the-future"), (timedelta(days=-8), "done-too-long-ago")],
)
def test_a_clock_that_is_far_off_is_refused(
    ann: Member, task: str, ahead: timedelta, code: str
) -> None:
    """Nothing is changed."""
    told = {"done_at": (clock.now() + ahead).isoformat()}

    problem = refused(ann.client.post(f"{task}/done", json=told), 422, code)

    assert problem["field"] == "/done_at"
    assert ann.client.get(task).json()["state"] == "open"


def test_a_clock_that_is_a_little_ahead_means_now(ann: Member, task: str) -> None:
    """As with check-ins."""
    told = {"done_at": (clock.now() + timedelta(minutes=3)).isoformat()}

    [record] = ann.client.post(f"{task}/done", json=told).json()["records"]

    assert record["occurred_at"] == record["received_at"]


def test_an_id_belongs_to_one_step(manager: Client, place: Place, ann: Member, ben: Member) -> None:
    """Neither another person, nor another task, nor another note gets it."""
    task, other = publish(manager, place), publish(manager, place)
    note = {"id": str(uuid4()), "note": "Bring a ladder"}

    first, again = (ann.client.post(f"{task}/notes", json=note) for _ in range(2))

    assert first.json() == again.json()
    for answer in (
        ann.client.post(f"{task}/notes", json={**note, "note": "No"}),
        ann.client.post(f"{other}/notes", json=note),
        ben.client.post(f"{task}/notes", json=note),
        ann.client.post(f"{task}/done", json={"id": note["id"]}),
    ):
        refused(answer, 409, "id-taken")
    assert ann.client.get(task).json()["state"] == "open"


def test_an_id_of_another_organisations_step_is_taken_too(
    anyone: Client, session: Session, ann: Member, task: str
) -> None:
    """And nothing of theirs is told."""
    dorset = make_organisation(session, "dorset")
    stranger = with_token(anyone, make_access_token(session, dorset))
    place = make_place(session, dorset)
    session.commit()
    theirs = publish(stranger, place)
    note = {"id": str(uuid4()), "note": "Ours"}
    assert stranger.post(f"{theirs}/notes", json=note).status_code == 201

    refused(ann.client.post(f"{task}/notes", json=note), 409, "id-taken")
    refused(ann.client.get(theirs), 404, "not-found")
    refused(ann.client.post(f"{theirs}/claim"), 404, "not-found")


def check_in(
    session: Session, member: Member, place: Place, evidence: Evidence, at: datetime
) -> None:
    """A check-in of theirs at a place."""
    device, _token = make_device(session, member.person)
    session.add(
        CheckIn(
            id=uuid4(),
            device_id=device.id,
            place_id=place.id,
            organisation_id=place.organisation_id,
            evidence=evidence,
            claimed_at=at,
            received_at=at,
        )
    )
    session.commit()


def test_where_presence_is_asked_for_it_takes_a_check_in(
    session: Session, manager: Client, place: Place, ann: Member, ben: Member
) -> None:
    """One's own, good enough and not too long ago: to begin, and to say that it is done."""
    task = publish(manager, place, evidence_needed="inside")
    ann.client.post(f"{task}/claim")
    now = clock.now()
    for member, evidence, at in (
        (ben, Evidence.INSIDE, now),
        (ann, Evidence.NEAR, now),
        (ann, Evidence.INSIDE, now - timedelta(hours=5)),
    ):
        check_in(session, member, place, evidence, at)
        refused(ann.client.post(f"{task}/start"), 409, "task-evidence-lacking")
        refused(ann.client.post(f"{task}/done", json={}), 409, "task-evidence-lacking")

    check_in(session, ann, place, Evidence.CODE_INSIDE, now)

    assert ann.client.post(f"{task}/start").json()["state"] == "in-progress"
    [record] = ann.client.post(f"{task}/done", json={}).json()["records"]
    assert record["evidence"] == "code-inside"


def test_ticks_are_of_the_checklist(manager: Client, place: Place, ann: Member) -> None:
    """And can be taken back."""
    task = publish(manager, place, checklist=[{"id": "a", "text": "A"}, {"id": "b", "text": "B"}])
    ann.client.post(f"{task}/claim")

    both = ann.client.patch(task, json={"ticks": {"b": True, "a": True}}).json()
    one = ann.client.patch(task, json={"ticks": {"b": False}}).json()
    unknown = ann.client.patch(task, json={"ticks": {"c": True}})

    assert (both["ticked"], one["ticked"]) == (["a", "b"], ["a"])
    refused(unknown, 422, "checklist-item-unknown")


def test_tasks_are_listed_the_most_urgent_first_and_of_those_the_soonest_due(
    manager: Client, place: Place, ann: Member
) -> None:
    """In pages, each once, also with what is never due and what is due at the same time."""
    due = ["2030-01-02T00:00:00Z", "2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z", None]
    made = [
        (rank, at or "9", publish(manager, place, priority=priority, due_at=at).split("/")[-1])
        for rank, priority in enumerate(("urgent", "high", "normal", "low"))
        for at in due
    ]

    found: list[str] = []
    next_: str | None = "/v1/tasks?limit=3&state=open"
    while next_:
        page = ann.client.get(next_).json()
        found += [one["id"] for one in page["items"]]
        next_ = page["next"]

    assert found == [id_ for _rank, _due, id_ in sorted(made)]


def test_tasks_are_listed_by_what_is_asked_for(
    session: Session,
    organisation: Organisation,
    manager: Client,
    place: Place,
    ann: Member,
    team: Team,
) -> None:
    """By state, place, team, nearness, due time and whose they are."""
    far = make_place(session, organisation, name="Plymouth", at=(-4.14, 50.37))
    session.commit()
    here, there = publish(manager, place), publish(manager, far)
    mine = publish(manager, place, assigned_to=ann.id)
    teams = publish(manager, place, team_id=str(team.id), due_at="2030-01-01T00:00:00Z")
    ann.client.post(f"{here}/claim")

    def found(**asked: str) -> set[str]:
        answer = ann.client.get("/v1/tasks", params=asked)
        assert answer.status_code == 200, answer.text
        return {f"/v1/tasks/{one['id']}" for one in answer.json()["items"]}

    assert found() == {here, there, mine, teams}
    assert found(state="claimed") == {here}
    assert found(state="open") == {there, mine, teams}
    assert found(place_id=str(far.id)) == {there}
    assert found(mine="true") == {here, mine}
    assert found(near="-3.53,50.72,2000") == {here, mine, teams}
    assert found(team_id=str(team.id)) == {teams}
    assert found(due_before="2031-01-01T00:00:00Z") == {teams}
    assert found(due_before="2029-01-01T00:00:00Z") == set()
    let_lease_end(session, here)
    assert found(state="claimed") == set()
    assert found(mine="true") == {mine}
    manager.post(f"{mine}/cancel", json={}).raise_for_status()
    assert found(unfinished="true") == {here, there, teams}
    assert found(unfinished="false") == {here, there, mine, teams}


def test_the_nearest_are_found_first_on_request(
    session: Session, organisation: Organisation, manager: Client, place: Place, ann: Member
) -> None:
    """Page by page, with where each is and how far; several at one place are as near."""
    near = make_place(session, organisation, name="Castle", at=(-3.53, 50.73))
    far = make_place(session, organisation, name="Topsham", at=(-3.46, 50.68))
    session.commit()
    there, here, also, close = (publish(manager, one) for one in (far, place, place, near))
    asked = {"near": "-3.53,50.7245,20000", "sort": "distance", "limit": "1"}

    told, address = [], "/v1/tasks"
    while address:
        page = ann.client.get(address, params=asked if address == "/v1/tasks" else None).json()
        told += page["items"]
        address = page["next"]

    found = [f"/v1/tasks/{one['id']}" for one in told]
    assert found == [*sorted((here, also)), close, there]
    distances = [one["distance_m"] for one in told]
    assert distances == sorted(distances)
    assert distances[0] < 100
    assert distances[2] == pytest.approx(612, abs=2)
    assert told[2]["place_point"] == {"type": "Point", "coordinates": [-3.53, 50.73]}
    assert ann.client.get("/v1/tasks").json()["items"][0]["distance_m"] is None


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"sort": "distance"}, "/sort"),
        ({"sort": "colour"}, "/sort"),
        ({"state": "lost"}, "/state"),
        ({"near": "1,2"}, "/near"),
        ({"near": "1,2,0"}, "/near"),
        ({"near": "1,2,100001"}, "/near"),
        ({"near": "181,2,10"}, "/near"),
        ({"due_before": "tomorrow"}, "/due_before"),
        ({"cursor": "x"}, "/cursor"),
    ],
)
def test_what_cannot_be_asked_is_refused(ann: Member, asked: dict[str, str], field: str) -> None:
    """And told where."""
    answer = ann.client.get("/v1/tasks", params=asked)

    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_another_system_finishes_and_cancels_but_claims_nothing(
    anyone: Client, session: Session, organisation: Organisation, manager: Client, place: Place
) -> None:
    """By its key, without any person in the history."""
    rights = {Right.TASKS_READ, Right.TASKS_WRITE, Right.LISTINGS_WRITE}
    key, secret = make_api_key(session, organisation, rights)
    session.commit()
    machine = with_token(anyone, secret)
    task, other = publish(manager, place), publish(manager, place)

    refused(machine.post(f"{task}/claim"), 403, "task-step-not-yours")
    refused(machine.get("/v1/tasks", params={"mine": "true"}), 403, "forbidden")
    done = machine.post(f"{task}/done", json={}).json()
    cancelled = machine.post(f"{other}/cancel", json={}).json()

    assert key.organisation_id == organisation.id
    assert (done["records"][0]["person_id"], done["records"][0]["by"]) == (None, "machine")
    assert cancelled["state"] == "cancelled"


def test_a_task_changed_while_somebody_has_it_stays_theirs(
    manager: Client, place: Place, ann: Member, task: str
) -> None:
    """A manager says something else of it; where it stands is not theirs to say so."""
    ann.client.post(f"{task}/claim")
    body = listing(place.id, kind="task", title="Change both lamps", priority="urgent")

    changed = manager.put(task.replace("tasks", "listings"), json=body)

    read = ann.client.get(task).json()
    assert changed.status_code == 200
    assert (read["title"], read["priority"], read["claimed_by"]) == (
        "Change both lamps",
        "urgent",
        ann.id,
    )


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"due_at": "2025-01-01T00:00:00Z"}, "due-outside-task", "/due_at"),
        (
            {"starts_at": "0001-01-01T00:00:00Z", "due_at": "0001-01-01T00:01:00Z"},
            "year-refused",
            "/starts_at",
        ),
        ({"due_at": "9999-12-31T23:59:59Z"}, "year-refused", "/due_at"),
        ({"skill": "x", "team_id": str(uuid4())}, "assigned-twice", "/assigned_to"),
        ({"checklist": [{"id": "a", "text": "A"}] * 2}, "checklist-refused", "/checklist/1/id"),
        ({"checklist": [{"id": "a b", "text": "A"}]}, "invalid-request", "/checklist/0/id"),
        ({"priority": "yesterday"}, "invalid-request", "/priority"),
        ({"team_id": str(uuid4())}, "not-found", None),
        ({"assigned_to": str(uuid4())}, "not-found", None),
    ],
)
def test_a_task_that_cannot_be_is_refused(
    manager: Client, place: Place, said: dict[str, Any], code: str, field: str | None
) -> None:
    """And told where it is wrong."""
    answer = manager.post("/v1/listings", json=listing(place.id, kind="task", **said))

    told = refused(answer, 404 if code == "not-found" else 422, code)
    assert told.get("field") == field


def test_the_history_is_only_added_to(session: Session, ann: Member, task: str) -> None:
    """PostgreSQL refuses to rewrite it; a person is taken out of it, and nothing else."""
    ann.client.post(f"{task}/notes", json={"note": "Bring a ladder"})

    for values in ({"note": "Nothing"}, {"received_at": datetime(2030, 1, 1, tzinfo=UTC)}):
        with pytest.raises(DBAPIError, match="only added to"), session.begin_nested():
            session.execute(update(TaskStep).values(values))
    session.execute(update(TaskStep).values(person_id=None))
    session.commit()

    [step] = ann.client.get(task).json()["steps"]
    assert (step["person_id"], step["note"], step["by"]) == (None, "Bring a ladder", "worker")


def test_a_task_goes_with_its_place(session: Session, place: Place, ann: Member, task: str) -> None:
    """With its history, which otherwise stays."""
    ann.client.post(f"{task}/claim")

    session.execute(delete(Listing).where(Listing.place_id == place.id))
    session.commit()

    assert session.query(TaskStep).count() == 0
