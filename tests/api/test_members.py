"""Members and teams over HTTP."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Client
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Consent, Device, Organisation, Person, Purpose, SignIn
from geoservices.accounts.service import give_consent
from geoservices.credentials.models import LocalAccount
from geoservices.database import SessionFactory
from geoservices.erasures import service as erasures
from geoservices.pings.models import Ping
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.callers import person_of
from tests.api.conftest import with_token
from tests.factories import NOON, make_access_token, make_device, make_organisation, make_person
from tests.pinging import make_pings
from tests.signing import make_account

AREA = {"type": "Polygon", "coordinates": [asking.SQUARE]}


def add(admin: Client, **changes: Any) -> dict[str, Any]:
    """A new member, who is staff unless told."""
    answer = admin.post("/v1/members", json={"name": "Ann", "role": "staff", **changes})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def codes(*answers: Any) -> list[tuple[int, str]]:
    """The status and problem code of refusals."""
    return [(answer.status_code, answer.json()["type"].rpartition("/")[2]) for answer in answers]


def test_a_member_is_added_read_changed_and_deleted(admin: Client) -> None:
    """What is left out of a change stays as it was."""
    team = admin.post("/v1/teams", json={"name": "Front desk"}).json()
    made = add(
        admin, name="Ann Lee", email="Ann.Lee@Example.org", role="manager", team_ids=[team["id"]]
    )
    address = f"/v1/members/{made['id']}"

    changed = admin.patch(address, json={"reach": {"tags": [" Central  Exeter "]}}).json()
    promoted = admin.patch(address, json={"role": "admin"}).json()
    deleted = admin.delete(address)

    assert made["email"] == "ann.lee@example.org"
    assert made | {"reach": {"tags": ["central exeter"], "area": None}} == changed
    assert promoted == changed | {"role": "admin", "reach": None}
    assert (deleted.status_code, deleted.json()["state"]) == (202, "under-way")
    assert admin.get(address).json()["disabled"] is True


def test_adding_the_same_again_changes_nothing(admin: Client) -> None:
    """Known by the client's id; the same id for somebody else is refused."""
    id_ = str(uuid4())
    body = {"id": id_, "name": "Ann", "role": "staff", "email": "ann@example.org"}

    first, again = (admin.post("/v1/members", json=body) for _ in range(2))
    other = admin.post("/v1/members", json=body | {"name": "Ben"})

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert codes(other) == [(409, "id-taken")]


def test_a_members_skills_are_in_the_organisations_words(admin: Client) -> None:
    """In lower case and each once, whether they were said at first or later."""
    ann = add(admin, skills=["First  Aid", "welsh", "first aid"])
    address = f"/v1/members/{ann['id']}"

    changed = admin.patch(address, json={"skills": ["Climber"]}).json()
    kept = admin.patch(address, json={"name": "Ann Lee"}).json()

    assert ann["skills"] == ["first aid", "welsh"]
    assert (changed["skills"], kept["skills"]) == (["climber"], ["climber"])
    assert admin.patch(address, json={"skills": [" "]}).json()["field"] == "/skills/0"


def test_members_are_found_by_name_role_and_team(admin: Client) -> None:
    """Page by page in the order of their names."""
    team = admin.post("/v1/teams", json={"name": "Front desk"}).json()["id"]
    for name in ("Cleo", "Ann_1", "Bea"):
        add(admin, name=name, team_ids=[team] if name != "Bea" else [])

    def found(query: str) -> list[str]:
        names, address = [], f"/v1/members?limit=1&{query}"
        while address:
            page = admin.get(address).json()
            names += [one["name"] for one in page["items"]]
            address = page["next"]
        return names

    assert found("role=staff") == ["Ann_1", "Bea", "Cleo"]
    assert found("q=N_1") == ["Ann_1"]
    assert found(f"team_id={team}") == ["Ann_1", "Cleo"]
    assert found("role=admin&q=zzz") == []


def test_an_address_is_one_members_of_the_organisation(
    admin: Client, anyone: Client, session: Session
) -> None:
    """Whatever the case; elsewhere somebody may have the same."""
    elsewhere = make_access_token(session, make_organisation(session, "dorset"), Role.ADMIN)
    session.commit()
    add(admin, email="ann@example.org")
    ben = add(admin, name="Ben")

    taken = admin.post(
        "/v1/members", json={"name": "Cleo", "role": "staff", "email": "ANN@example.org"}
    )
    changed = admin.patch(f"/v1/members/{ben['id']}", json={"email": "ann@example.org"})
    add(with_token(anyone, elsewhere), email="ann@example.org")

    assert codes(taken, changed) == [(409, "email-taken")] * 2


def test_the_last_admin_stays(anyone: Client, session: Session, organisation: Organisation) -> None:
    """Neither demoted, nor disabled, nor deleted, by whomever; a disabled admin does not count."""
    token = make_access_token(session, organisation, Role.ADMIN)
    me = person_of(session, token).id
    session.commit()
    admin = with_token(anyone, token)
    second = add(admin, name="Second", role="admin")["id"]
    admin.patch(f"/v1/members/{second}", json={"disabled": True})

    refused = [
        admin.patch(f"/v1/members/{me}", json={"role": "manager"}),
        admin.patch(f"/v1/members/{me}", json={"disabled": True}),
        admin.delete(f"/v1/members/{me}"),
    ]
    admin.patch(f"/v1/members/{second}", json={"disabled": False})
    allowed = admin.patch(f"/v1/members/{me}", json={"role": "manager"})

    assert codes(*refused) == [(409, "last-admin")] * 3
    assert allowed.json()["role"] == "manager"
    assert admin.patch(f"/v1/members/{me}", json={"role": "admin"}).status_code == 403


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "auditor"}])
def test_who_is_disabled_is_let_in_nowhere_at_once(
    admin: Client, anyone: Client, session: Session, organisation: Organisation, change: Any
) -> None:
    """Their sign-ins and devices end for good, positions included; so do an auditor's."""
    token = make_access_token(session, organisation, Role.STAFF)
    person = person_of(session, token)
    _device, device_token = make_device(session, person)
    session.commit()
    theirs = [with_token(anyone, one) for one in (token, device_token)]
    before = [client.get("/v1/preferences").status_code for client in theirs]

    admin.patch(f"/v1/members/{person.id}", json=change)
    after = [client.get("/v1/preferences").status_code for client in theirs]
    sent = theirs[1].post("/v1/pings", json=asking.ping())
    admin.patch(f"/v1/members/{person.id}", json={"disabled": False})
    later = [client.get("/v1/preferences").status_code for client in theirs]

    assert (before, after, later) == ([200, 200], [401, 401], [401, 401])
    assert sent.status_code == 401
    assert session.scalars(select(Ping)).all() == []


def test_whoever_is_deleted_leaves_nothing_that_is_only_theirs(
    admin: Client,
    anyone: Client,
    session: Session,
    sessions: SessionFactory,
    organisation: Organisation,
    settings: Settings,
) -> None:
    """At once nobody lets them in and no consent of theirs counts; then rows and pings go.

    They are on the list of whom to erase again after a restore.
    """
    account = make_account(session, organisation, settings=settings)
    device, _token = make_device(session, account.person)
    give_consent(
        session,
        account.person,
        Purpose.STAFF_TASKS,
        text_version=TEXTS[Purpose.STAFF_TASKS].version,
        at=NOON,
    )
    make_pings(session, device.id, 3)
    session.commit()
    person_id = account.person.id

    answer = admin.delete(f"/v1/members/{person_id}")
    signed_in = anyone.post("/v1/sign-in", json=asking.sign_in(username="anna"))
    session.expire_all()
    agreed = select(Consent.id).where(
        Consent.person_id == person_id, Consent.withdrawn_at.is_(None)
    )

    assert (answer.status_code, signed_in.status_code) == (202, 401)
    assert session.scalars(agreed).all() == []
    erasures.carry_out(sessions, UUID(answer.json()["id"]))
    session.expire_all()
    for owner in (Person.id, SignIn.person_id, Device.person_id, LocalAccount.person_id):
        assert session.scalars(select(owner).where(owner == person_id)).all() == []
    assert session.scalars(select(Ping.id)).all() == []
    assert anyone.get(answer.json()["status"]).json()["state"] == "done"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"role": "citizen"}, (422, "invalid-request")),
        ({"email": "no address"}, (422, "invalid-request")),
        ({"name": ""}, (422, "invalid-request")),
        ({"name": None}, (422, "invalid-request")),
        ({"team_ids": [str(uuid4())]}, (404, "not-found")),
        ({"reach": {"tags": ["central"]}}, (422, "reach-refused")),
        ({"role": "manager", "reach": {}}, (422, "reach-refused")),
        ({"role": "manager", "reach": {"area": {"type": "Point"}}}, (422, "reach-refused")),
        ({"role": "manager", "reach": {"area": {"type": "Polygon"}}}, (422, "reach-refused")),
        ({"role": "manager", "reach": {"tags": ["x" * 41]}}, (422, "invalid-request")),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    admin: Client, change: dict[str, Any], told: tuple[int, str]
) -> None:
    """And says what would be right."""
    made = add(admin)

    refused = admin.patch(f"/v1/members/{made['id']}", json=change)

    assert codes(refused) == [told]
    assert admin.get(f"/v1/members/{made['id']}").json() == made


def test_a_team_of_others_is_no_team(admin: Client, anyone: Client, session: Session) -> None:
    """Nobody is put into another organisation's team."""
    token = make_access_token(session, make_organisation(session, "dorset"), Role.ADMIN)
    session.commit()
    theirs = with_token(anyone, token).post("/v1/teams", json={"name": "Theirs"}).json()["id"]

    refused = admin.post("/v1/members", json={"name": "Ann", "role": "staff", "team_ids": [theirs]})

    assert codes(refused) == [(404, "not-found")]


def test_a_team_lead_sees_their_teams_and_who_is_in_them(
    admin: Client, anyone: Client, session: Session, organisation: Organisation
) -> None:
    """And nobody else, whether listed or asked for by id."""
    desk, cellar = (
        admin.post("/v1/teams", json={"name": name}).json()["id"] for name in ("Desk", "Cellar")
    )
    token = make_access_token(session, organisation, Role.TEAM_LEAD)
    lead = person_of(session, token)
    session.commit()
    admin.patch(f"/v1/members/{lead.id}", json={"team_ids": [desk], "name": "Lead"})
    near = add(admin, name="Near", team_ids=[desk, cellar])
    far = add(admin, name="Far", team_ids=[cellar])
    client = with_token(anyone, token)

    listed = [one["name"] for one in client.get("/v1/members").json()["items"]]
    teams = [one["name"] for one in client.get("/v1/teams").json()["items"]]
    asked = {
        path: client.get(path).status_code
        for path in (
            f"/v1/members/{near['id']}",
            f"/v1/members/{far['id']}",
            f"/v1/teams/{desk}",
            f"/v1/teams/{cellar}",
            f"/v1/members?team_id={cellar}",
        )
    }

    assert listed == ["Lead", "Near"]
    assert teams == ["Desk"]
    assert list(asked.values()) == [200, 404, 200, 404, 200]


def test_teams_are_made_renamed_and_deleted(admin: Client) -> None:
    """Two have not the same name; a deleted one leaves its members."""
    desk, cellar = (
        admin.post("/v1/teams", json={"name": name}).json() for name in ("Desk", "Cellar")
    )
    ann = add(admin, team_ids=[desk["id"], cellar["id"]])

    again = admin.post("/v1/teams", json={"id": desk["id"], "name": "Desk"})
    taken = [
        admin.post("/v1/teams", json={"name": "Desk"}),
        admin.put(f"/v1/teams/{cellar['id']}", json={"name": "Desk"}),
    ]
    other = admin.post("/v1/teams", json={"id": desk["id"], "name": "Attic"})
    renamed = admin.put(f"/v1/teams/{cellar['id']}", json={"name": "Attic"}).json()
    admin.delete(f"/v1/teams/{desk['id']}")

    assert (again.status_code, again.json()) == (200, desk)
    assert codes(*taken, other) == [(409, "team-name-taken")] * 2 + [(409, "id-taken")]
    assert renamed == cellar | {"name": "Attic"}
    assert admin.get(f"/v1/members/{ann['id']}").json()["team_ids"] == [cellar["id"]]


def test_a_reach_may_be_an_area(admin: Client) -> None:
    """It comes back as GeoJSON."""
    made = add(admin, role="manager", reach={"area": AREA})

    assert made["reach"]["tags"] == []
    assert made["reach"]["area"]["type"] == "Polygon"


def test_nobody_of_no_name_is_listed_twice(
    admin: Client, session: Session, organisation: Organisation
) -> None:
    """Pages go on after members who have no name."""
    for _ in range(3):
        make_person(session, organisation=organisation)
    session.commit()

    names, address = [], "/v1/members?limit=1"
    while address:
        page = admin.get(address).json()
        names += [one["name"] for one in page["items"]]
        address = page["next"]

    assert names == ["", "", "", "Test"]
