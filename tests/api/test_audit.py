"""Whatever takes a right is written down once, whether it is done or refused."""

import csv
import hashlib
import json
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from httpx2 import Client
from sqlalchemy import update
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation, SignIn
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.auditing import written
from tests.api.callers import person_of
from tests.api.conftest import with_token
from tests.api.world import World, make_world
from tests.factories import make_access_token, make_organisation, make_place
from tests.signing import make_account

A_MINUTE = timedelta(minutes=1)


@pytest.fixture
def world(session: Session) -> World:
    """Everything there is to be seen."""
    return make_world(session)


@pytest.fixture
def auditor(anyone: Client, session: Session, organisation: Organisation) -> Client:
    """An auditor of Devon's."""
    token = make_access_token(session, organisation, Role.AUDITOR)
    session.commit()
    return with_token(anyone, token)


def test_an_entry_names_what_was_made(
    manager: Client, session: Session, organisation: Organisation
) -> None:
    """The new listing, by its own id; the place that a list was asked for, too."""
    place = make_place(session, organisation)
    session.commit()

    made = manager.post("/v1/listings", json=asking.listing(place.id)).json()
    manager.get("/v1/listings", params={"place_id": str(place.id)})

    assert [(one.status, one.subjects) for one in written(session)] == [
        (201, [f"listing:{made['id']}"]),
        (200, [f"place:{place.id}"]),
    ]


def test_what_fails_changes_nothing_but_the_log(
    manager: Client, session: Session, organisation: Organisation
) -> None:
    """A body that cannot be read, and one that is refused by the domain."""
    place = make_place(session, organisation)
    session.commit()

    manager.post("/v1/listings", json={"place_id": str(place.id)})
    manager.post("/v1/listings", content=b"{", headers={"content-type": "application/json"})
    manager.get(f"/v1/listings/{UUID(int=5)}")

    assert [(one.status, one.action) for one in written(session)] == [
        (422, "publish_listing"),
        (404, "read_listing"),
    ]


def test_the_log_is_read_in_pages_newest_first(auditor: Client, session: Session) -> None:
    """Each page is itself an entry, which the next does not show."""
    for _ in range(5):
        auditor.get("/v1/geofences")

    first = auditor.get("/v1/audit", params={"limit": 3, "action": "list_geofences"}).json()
    second = auditor.get(first["next"]).json()

    numbers = [entry["number"] for page in (first, second) for entry in page["items"]]
    assert numbers == [5, 4, 3, 2, 1]
    assert second["next"] is None
    assert [one.action for one in written(session)[5:]] == ["list_audit_entries"] * 2


def test_the_log_is_searched(auditor: Client, session: Session, manager: Client) -> None:
    """By who, what, to what and when."""
    place_id = UUID(int=3)
    manager.get(f"/v1/places/{place_id}/codes")
    auditor.get("/v1/geofences")
    [first, second] = written(session)

    def found(**asked: str) -> list[int]:
        answer = auditor.get("/v1/audit", params=asked | {"limit": "200"})
        assert answer.status_code == 200, answer.text
        return [entry["number"] for entry in answer.json()["items"] if entry["number"] < 3]

    assert found(actor=str(first.person_id)) == [1]
    assert found(actor=str(second.credential_id)) == [2]
    assert found(action="list_codes") == [1]
    assert found(subject=f"place:{place_id}") == [1]
    assert found(**{"from": first.at.isoformat(), "until": second.at.isoformat()}) == [1]
    assert found(**{"from": second.at.isoformat()}) == [2]


@pytest.mark.parametrize(
    "asked",
    [
        {"subject": "place"},
        {"subject": "place:x"},
        {"action": "Drop table"},
        {"actor": "anna"},
        {"from": "yesterday"},
        {"cursor": "made-up"},
    ],
)
def test_a_question_that_cannot_be_read_is_refused(auditor: Client, asked: dict[str, str]) -> None:
    """With the parameter at fault."""
    answer = auditor.get("/v1/audit", params=asked)

    assert answer.status_code == 422
    assert answer.json()["field"] == f"/{next(iter(asked))}"


def test_another_organisations_log_is_not_seen(
    auditor: Client, anyone: Client, session: Session
) -> None:
    """Each has a chain of its own, which begins at 1."""
    token = make_access_token(session, make_organisation(session, "dorset"), Role.ADMIN)
    session.commit()
    with_token(anyone, token).get("/v1/geofences")

    auditor.get("/v1/campaigns")
    entries = auditor.get("/v1/audit").json()["items"]

    assert len(written(session)) == 3
    assert [(one["number"], one["action"]) for one in entries] == [(1, "list_campaigns")]


def test_anybody_can_compute_the_hash_anew(auditor: Client) -> None:
    """From what the API shows, as docs/decisions/0038 says; plain JSON is canonical here."""
    auditor.get("/v1/geofences")
    [entry] = auditor.get("/v1/audit").json()["items"]
    document = {
        "version": 1,
        "chain": entry["chain_id"],
        "number": entry["number"],
        "previous": entry["previous_hash"],
        "organisation": entry["organisation_id"],
        "at": _instant(entry["at"]),
        "actor": {
            "kind": entry["actor"]["kind"],
            "person": entry["actor"]["person_id"],
            "credential": entry["actor"]["credential_id"],
            "role": entry["actor"]["role"],
        },
        "action": entry["action"],
        "rights": entry["rights"],
        "subjects": entry["subjects"],
        "status": entry["status"],
        "request": entry["request_id"],
        "detail": entry["detail"],
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))

    assert hashlib.sha256(text.encode()).hexdigest() == entry["hash"]
    assert entry["previous_hash"] == "0" * 64


def test_an_export_is_saved_under_a_name(anyone: Client, session: Session, world: World) -> None:
    """Each day its own; no browser shows it as a page, nor guesses what it is."""
    auditor = with_token(anyone, make_access_token(session, world.organisation, Role.AUDITOR))
    session.commit()

    for format_ in ("csv", "json"):
        answer = auditor.get("/v1/audit/export", params={"format": format_})
        [name] = re.findall(
            r'^attachment; filename="audit-(.+)"$', answer.headers["content-disposition"]
        )
        assert name in {
            f"{day:%Y-%m-%d}.{format_}" for day in (clock.now() - A_MINUTE, clock.now())
        }
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_export_holds_nobodys_id(anyone: Client, session: Session, world: World) -> None:
    """In either format; it is written down itself, and holds what was there before."""
    manager, auditor = (
        with_token(anyone, make_access_token(session, world.organisation, role))
        for role in (Role.MANAGER, Role.AUDITOR)
    )
    session.commit()
    manager.get("/v1/geofences")
    auditor.get(f"/v1/campaigns/{world.ids['campaign_id']}/outcome")
    table = auditor.get("/v1/audit/export")
    programs = auditor.get("/v1/audit/export", params={"format": "json"})

    rows = list(csv.DictReader(table.text.splitlines()))
    entries: list[dict[str, Any]] = programs.json()
    told = table.text + programs.text
    assert table.headers["content-type"].startswith("text/csv")
    assert [row["actor"] for row in rows[:2]] == ["member 1", "member 2"]
    assert [entry["action"] for entry in entries[:3]] == [
        "list_geofences",
        "read_outcome",
        "export_audit",
    ]
    assert str(world.ids["campaign_id"]) in told
    for entry in written(session):
        assert str(entry.person_id) not in told
        assert str(entry.credential_id) not in told
        assert str(entry.request_id) not in told


def _instant(text: str) -> str:
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}.{fraction.ljust(6, '0')}Z"


def test_refused_sign_ins_and_what_members_do_about_themselves_are_written_down(
    anyone: Client, session: Session, organisation: Organisation, settings: Settings
) -> None:
    """In the organisation's log; of a name that nobody has in the installation's, without it."""
    anna = make_account(session, organisation, settings=settings).person.id
    wrong = [
        anyone.post("/v1/sign-in", json=asking.sign_in(**told)).status_code
        for told in ({"password": "not hers at all"}, {"username": "nobody-of-this-name"})
    ]
    signed_in = anyone.post("/v1/sign-in", json=asking.sign_in()).json()
    member = with_token(anyone, signed_in["token"])
    export = member.post("/v1/me/exports").json()["id"]
    member.delete("/v1/sign-ins")
    member.delete("/v1/sign-in")

    found = [(one.organisation_id, one.action, one.subjects) for one in written(session)]
    here, nowhere = organisation.id, None
    sign_in = signed_in["sign_in"]["id"]
    assert wrong == [401, 401]
    assert sorted(found, key=str) == sorted(
        [
            (here, "sign_in_refused", [f"person:{anna}"]),
            (nowhere, "sign_in_refused", []),
            (here, "sign_in", [f"person:{anna}"]),
            (here, "ask_for_export", [f"export:{export}"]),
            (here, "sign_out_elsewhere", [f"person:{anna}"]),
            (here, "sign_out", [f"sign-in:{sign_in}"]),
        ],
        key=str,
    )
    assert "nobody-of-this-name" not in str([one.detail for one in written(session)])


def test_what_is_wrong_of_somebody_signed_in_is_written_down(
    anyone: Client, session: Session, organisation: Organisation, settings: Settings
) -> None:
    """A present password, and a code: what was wrong, of whom and where, and nothing of it."""
    anna = make_account(session, organisation, settings=settings).person.id
    made = anyone.post("/v1/sign-in", json=asking.sign_in()).json()
    mine, wrong = with_token(anyone, made["token"]), "not hers at all"
    mine.put("/v1/password", json={"current": wrong, "new": "gossamer tin walrus ferry"})
    mine.post("/v1/second-factor", json={"password": asking.sign_in()["password"]})
    mine.post("/v1/second-factor/confirmation", json={"code": "abcdef"})

    told = [one for one in written(session) if one.action == "proof_refused"]
    where = {(one.credential_id, one.person_id, *one.subjects) for one in told}
    assert [one.detail for one in told] == [
        {"reason": "password-wrong"},
        {"reason": "second-factor-refused"},
    ]
    assert where == {(UUID(made["sign_in"]["id"]), anna, f"person:{anna}")}
    assert wrong not in str([one.detail for one in told])


def test_erasing_a_member_is_written_down_and_a_citizen_is_not(
    anyone: Client, session: Session, world: World
) -> None:
    """The log holds nothing of citizens who ask to be forgotten."""
    token = make_access_token(session, world.organisation, Role.AUDITOR)
    person_id = person_of(session, token).id
    session.execute(update(SignIn).values(created_at=clock.now()))
    session.commit()

    for one in (token, world.token):
        answer = with_token(anyone, one).delete("/v1/me", params={"confirm": "erase-everything"})
        assert answer.status_code == 202

    told = [one.subjects for one in written(session) if one.action == "erase_me"]
    assert told == [[f"person:{person_id}"]]
