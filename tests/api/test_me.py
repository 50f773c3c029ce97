"""What people can do about what is held about them: see it, keep it, correct it, erase it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from httpx2 import Client
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from geoservices import clock
from geoservices.access.rights import Role
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Consent, Device, Purpose, SignIn
from geoservices.campaigns.models import Decision
from geoservices.erasures.models import Erasure
from geoservices.exports.models import Export, ExportState
from geoservices.holdings.kinds import INVENTORY
from geoservices.visits.models import Visit
from tests.api import asking
from tests.api.conftest import with_token
from tests.api.world import World, make_world
from tests.factories import make_access_token, make_device, make_person
from tests.pinging import make_pings

ERASE = {"confirm": "erase-everything"}


@pytest.fixture
def world(session: Session) -> World:
    """Everything there is about one person."""
    return make_world(session)


@pytest.fixture
def me(anyone: Client, world: World) -> Client:
    """Their phone."""
    return with_token(anyone, world.token)


@pytest.fixture
def other(anyone: Client, session: Session) -> Client:
    """Somebody else's."""
    _device, token = make_device(session, make_person(session))
    session.commit()
    return with_token(anyone, token)


def test_everything_is_seen_at_a_glance(me: Client, world: World) -> None:
    """Each kind with what it is for, how it is put right, how much there is, and the newest."""
    # The first use of a day is written down, and would be told by the second answer alone.
    me.get("/v1/devices/me")
    told = me.get("/v1/me/data").json()

    assert told["person_id"] == str(world.person.id)
    assert [kind["kind"] for kind in told["kinds"]] == [holding.kind for holding in INVENTORY]
    visits = next(kind for kind in told["kinds"] if kind["kind"] == "visits")
    assert visits["count"] == 1
    assert visits["newest"][0]["place"] == "Exeter Library"
    assert visits["columns"]["entered_at"] == "When you came"
    for kind in told["kinds"]:
        assert all(row.keys() == kind["columns"].keys() for row in kind["newest"])
    assert "DELETE /v1/visits/{visit_id}" in visits["correction"]
    for kind in told["kinds"]:
        assert me.get(kind["all"]).json()["items"][: len(kind["newest"])] == kind["newest"]


def test_ones_devices_are_told_with_when_they_were_last_used(me: Client) -> None:
    """So that somebody finds the one that is not theirs, or that they lost; to a day."""
    me.get("/v1/devices/me")

    kinds = me.get("/v1/me/data").json()["kinds"]
    [device] = next(kind for kind in kinds if kind["kind"] == "devices")["newest"]

    last_used = datetime.fromisoformat(device["last_used_at"])
    assert clock.now() - last_used < timedelta(minutes=5)
    assert {"label", "created_at", "followed_until", "revoked_at"} <= device.keys()


def test_positions_are_told_to_their_owner_and_to_no_log(
    me: Client, world: World, session: Session, logged: Callable[[], str]
) -> None:
    """Page by page; no line of the log has one."""
    make_pings(session, world.device.id, 5)
    session.commit()

    first = me.get("/v1/me/data/positions", params={"limit": 3}).json()
    rest = me.get(first["next"]).json()

    found = [*first["items"], *rest["items"]]
    assert len({row["id"] for row in found}) == 5
    assert all(row["lat"] == 50.72 for row in found)
    assert rest["next"] is None
    assert "50.72" not in logged()


def test_a_cursor_is_good_for_its_own_kind(me: Client, world: World, session: Session) -> None:
    """One of another kind, and an unknown kind, are refused."""
    make_pings(session, world.device.id, 2)
    session.commit()
    following = me.get("/v1/me/data/positions", params={"limit": 1}).json()["next"]

    assert me.get(following.replace("positions", "visits")).status_code == 422
    assert me.get("/v1/me/data/secrets").status_code == 404


def test_a_copy_is_asked_for_and_downloaded(me: Client, other: Client, world: World) -> None:
    """By whom it is about; its file comes with a name, and is kept by no cache."""
    answer = me.post("/v1/me/exports")
    asked = answer.json()
    ready = me.get(f"/v1/me/exports/{world.ids['export_id']}").json()

    assert answer.status_code == 202
    assert (asked["state"], asked["file"]) == ("queued", None)
    assert me.post("/v1/me/exports").json() == asked
    assert {one["id"] for one in me.get("/v1/me/exports").json()} == {asked["id"], ready["id"]}
    early = me.get(f"/v1/me/exports/{asked['id']}/file")
    assert early.status_code == 409
    assert early.json()["type"] == "/problems/export-not-ready"
    file = me.get(ready["file"])
    assert file.content == b"PK"
    assert file.headers["content-type"] == "application/zip"
    assert file.headers["content-disposition"] == 'attachment; filename="my-data-2026-03-04.zip"'
    assert file.headers["cache-control"] == "no-store"
    assert file.headers["content-length"] == "2"
    assert other.get(ready["file"]).status_code == 404


def test_so_many_copies_a_day(me: Client, session: Session) -> None:
    """Then one has to wait."""
    for _ in range(3):
        assert me.post("/v1/me/exports").status_code == 202
        session.execute(
            update(Export).where(Export.state == "queued").values(state=ExportState.FAILED)
        )
        session.commit()

    refused = me.post("/v1/me/exports")

    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 60


def test_a_wrong_visit_is_taken_back(
    me: Client, other: Client, world: World, session: Session
) -> None:
    """By whose it is; it is gone from their list and from the counts, decisions stay."""
    address = f"/v1/visits/{world.ids['visit_id']}"

    assert other.delete(address).status_code == 404
    assert me.delete(address).status_code == 204
    assert me.delete(address).status_code == 404

    assert me.get("/v1/visits").json()["items"] == []
    assert session.scalars(select(Visit.id)).all() == []


def test_a_wrong_check_in_is_taken_back(
    me: Client, other: Client, world: World, session: Session
) -> None:
    """What was decided on it stays, and names no occasion."""
    address = f"/v1/check-ins/{world.ids['check_in_id']}"

    assert other.delete(address).status_code == 404
    assert me.delete(address).status_code == 204
    assert me.delete(address).status_code == 404

    assert me.get("/v1/check-ins").json()["items"] == []
    session.expire_all()
    assert session.get_one(Decision, world.ids["decision_id"]).check_in_id is None
    assert "Exeter Library" in me.get("/v1/notifications").json()["items"][0]["why"]["in_words"]


def test_a_device_is_called_something_else(me: Client) -> None:
    """Without sharing anything else than before."""
    named = me.patch("/v1/devices/me", json={"label": "My phone"})
    unnamed = me.patch("/v1/devices/me", json={"label": None})

    assert (named.json()["label"], named.json()["places_only"]) == ("My phone", False)
    assert unnamed.json()["label"] is None
    assert me.patch("/v1/devices/me", json={}).status_code == 422


def test_the_last_admin_is_told_what_to_do_first(
    anyone: Client, session: Session, world: World
) -> None:
    """Nothing is done, and they are still let in."""
    token = make_access_token(session, world.organisation, Role.ADMIN)
    session.execute(update(SignIn).values(created_at=asking.now()))
    session.commit()
    admin = with_token(anyone, token)
    refused = admin.delete("/v1/me", params=ERASE)

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/last-admin")
    assert "Make somebody else an admin first" in refused.json()["detail"]
    assert admin.get("/v1/me/data").status_code == 200
    assert session.scalars(select(Erasure).where(Erasure.person_id.is_not(None))).all() == []


def test_erasing_takes_the_word(me: Client, session: Session) -> None:
    """A slip erases nobody."""
    for wrong in ({}, {"confirm": "yes"}):
        assert me.delete("/v1/me", params=wrong).status_code == 422

    assert me.get("/v1/devices/me").status_code == 200
    assert session.scalars(select(Erasure.id).where(Erasure.done_at.is_(None))).all() == []


def test_from_the_answer_on_the_token_is_worthless(
    me: Client, anyone: Client, world: World, session: Session
) -> None:
    """On every way in; how far it has come is seen without one."""
    answer = me.delete("/v1/me", params=ERASE)

    assert answer.status_code == 202
    told = answer.json()
    assert told["state"] == "under-way"
    dropped = answer.headers.get_list("set-cookie")
    assert [cookie.partition("=")[0] for cookie in dropped] == ["device", "member"]
    assert all("Max-Age=0" in cookie for cookie in dropped)
    assert me.get("/v1/me/data").status_code == 401
    assert me.post("/v1/pings", json=asking.ping()).status_code == 401
    assert me.post("/v1/check-ins", json=asking.check_in(world.ids["place_id"])).status_code == 401
    seen = anyone.get(told["status"])
    assert seen.json() == told
    assert str(world.person.id) not in seen.text
    session.execute(text("UPDATE erasures SET person_id = NULL, done_at = now()"))
    session.commit()
    assert anyone.get(told["status"]).json()["state"] == "done"
    assert anyone.get(f"/v1/erasures/{uuid4()}").status_code == 404


def test_a_member_signs_in_again(anyone: Client, session: Session, world: World) -> None:
    """A token of this morning erases nobody; one of just now does."""
    member = with_token(anyone, make_access_token(session, world.organisation, Role.STAFF))
    session.commit()

    stale = member.delete("/v1/me", params=ERASE)
    session.execute(update(SignIn).values(created_at=asking.now() - timedelta(minutes=9)))
    session.commit()
    fresh = member.delete("/v1/me", params=ERASE)

    assert (stale.status_code, stale.json()["type"]) == (403, "/problems/sign-in-again")
    assert fresh.status_code == 202
    assert member.get("/v1/places").status_code == 401


def test_erasing_tells_the_log_nobody(me: Client, world: World, logged: Callable[[], str]) -> None:
    """Not whose data was seen, nor who is gone."""
    me.get("/v1/me/data")
    me.delete("/v1/me", params=ERASE)

    written = logged()
    assert '"path": "/v1/me"' in written
    for id_ in (world.person.id, world.device.id):
        assert str(id_) not in written


def test_a_notification_says_why(me: Client) -> None:
    """In words: what happened, where, who told, what was agreed to, and how it is stopped."""
    [told] = me.get("/v1/notifications").json()["items"]

    why = told["why"]
    assert why["in_words"] == (
        "Devon told you of “Free hot drink” because you checked in at Exeter Library on "
        "4 March 2026 at 12:00. On 4 March 2026 at 12:00 you had agreed to this: "
        f"“{TEXTS[Purpose.CHECK_IN_CONTENT].text}”"
    )
    assert (why["place"], why["sent_by"]) == ("Exeter Library", "Devon")
    assert (why["interests"], why["held_back"]) == ([], [])
    about = told["about"]
    assert (about["listing_kind"], about["place"]) == ("offer", "Exeter Library")
    assert me.get(f"/v1/places/{about['place_id']}").status_code == 200
    assert why["how_to_stop"][-1].endswith("DELETE /v1/me.")
    assert told["decision"]["in_words"] == "You were told: nothing spoke against it."


def test_what_was_agreed_to_is_told_as_it_was_read(me: Client, session: Session) -> None:
    """In the language that was kept with the consent."""
    session.execute(update(Consent).values(language="cy"))
    session.commit()

    [told] = me.get("/v1/notifications").json()["items"]
    assert told["why"]["agreed_language"] == "cy"
    assert told["why"]["agreed_text"] == TEXTS[Purpose.CHECK_IN_CONTENT].texts["cy"]


def test_decisions_by_which_nothing_was_sent(me: Client, world: World, session: Session) -> None:
    """Asked for by themselves, each with what it means."""
    held = _held(session, world)

    assert [one["id"] for one in me.get("/v1/decisions?held=true").json()["items"]] == [str(held)]
    [sent] = me.get("/v1/decisions?held=false").json()["items"]
    assert sent["gate"] is None
    [told] = me.get("/v1/decisions?held=true").json()["items"]
    assert told["in_words"].startswith("You did not want to be disturbed")


def test_why_not_where_nothing_was_ever_decided(other: Client, world: World) -> None:
    """How things stand for the asker; nothing of what others wanted to tell or were told."""
    told = other.get(f"/v1/places/{world.ids['place_id']}/why-not").json()

    assert told["place"] == "Exeter Library"
    assert told["held"] == []
    passed = {one["check"]: one["passed"] for one in told["findings"]}
    assert passed == {
        "consent": False,
        "position": False,
        "watched": True,
        "presence": False,
        "sensitive-place": True,
        "something-on": True,
        "quiet-hours": True,
        "cap": True,
        "class-cap": True,
        "place-cap": True,
        "push": False,
    }
    assert "Free hot drink" not in str(told["findings"])
    assert other.get(f"/v1/places/{uuid4()}/why-not").status_code == 404


def test_why_not_with_what_was_decided(me: Client, world: World, session: Session) -> None:
    """The decision that held it, and that all else is as it should be."""
    held = _held(session, world)
    session.execute(
        update(Device).where(Device.id == world.device.id).values(followed_until=asking.now())
    )
    session.execute(update(Visit).values(entered_at=asking.now()))
    session.commit()

    told = me.get(f"/v1/places/{world.ids['place_id']}/why-not").json()

    assert [one["id"] for one in told["held"]] == [str(held)]
    assert [one["check"] for one in told["findings"] if not one["passed"]] == []


def _held(session: Session, world: World) -> UUID:
    decision = Decision(
        organisation_id=world.organisation.id,
        campaign_id=world.ids["campaign_id"],
        version=1,
        trigger="checked-in",
        person_id=world.person.id,
        place_id=world.ids["place_id"],
        gate="quiet-hours",
        reason="It is within the person's quiet hours, 22:00 to 07:00.",
        gates_passed=[],
        detail={},
        decided_at=asking.now(),
    )
    session.add(decision)
    session.commit()
    return decision.id
