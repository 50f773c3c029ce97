"""A second device of one person's: joined by a code, announced, listed and revoked."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from httpx2 import Client
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geoservices.accounts.consents import TEXTS
from geoservices.accounts.joining import MOST_DEVICES
from geoservices.accounts.models import Device, JoiningCode, Purpose
from geoservices.campaigns.rules import CampaignClass
from geoservices.deliveries.models import Delivery
from geoservices.limiting.limiter import Limiter
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.conftest import agree, browser, with_token
from tests.factories import make_device, make_person
from tests.scanning import paint_path, scan

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def phone(anyone: Client) -> Client:
    """A citizen's first device."""
    return with_token(anyone, anyone.post("/v1/devices", json={"label": "Old"}).json()["token"])


def code_of(phone: Client) -> str:
    """A code that the phone shows."""
    code: str = phone.post("/v1/devices/me/joining-code").json()["code"]
    return code


def join(anyone: Client, code: str, **asked: object) -> Client:
    """Another device that joins by the code."""
    made = anyone.post("/v1/devices", json={"joining_code": code, "label": "New", **asked})
    assert made.status_code == 201, made.json()
    return with_token(anyone, made.json()["token"])


def test_a_second_device_is_the_same_persons(anyone: Client, phone: Client) -> None:
    """What one was told the other reads, and what one agreed to holds for both."""
    agree(phone, Purpose.NEARBY)

    second = join(anyone, code_of(phone), time_zone="Pacific/Auckland")

    consents = {one["purpose"]: one["agreed_version"] for one in second.get("/v1/consents").json()}
    assert consents["nearby"] == TEXTS[Purpose.NEARBY].version
    assert second.get("/v1/preferences").json()["time_zone"] == "Europe/London"
    assert second.post("/v1/pings", json=asking.ping()).status_code == 200


def test_a_code_is_shown_to_be_read_typed_and_scanned(phone: Client, settings: Settings) -> None:
    """What the QR code leads to has the code behind the #, where no server's log gets it."""
    made = phone.post("/v1/devices/me/joining-code").json()

    assert made["link"] == f"{settings.public_url}/join#{made['code']}"
    qr = made["qr"]
    assert scan(paint_path(qr["size_modules"], qr["path"])) == made["link"]


def test_only_a_keyed_hash_of_a_code_is_kept(phone: Client, session: Session) -> None:
    """Whoever reads the database can join nothing."""
    code = code_of(phone).replace("-", "")

    kept = session.scalars(select(JoiningCode)).one()

    assert code.encode() not in kept.mark


def test_a_code_works_once(anyone: Client, phone: Client) -> None:
    """Whoever looked over a shoulder comes too late."""
    code = code_of(phone)
    join(anyone, code)

    again = anyone.post("/v1/devices", json={"joining_code": code})

    assert again.status_code == 422
    assert again.json()["type"] == "/problems/joining-code-unknown"
    assert again.json()["field"] == "/joining_code"


def _expire(session: Session, _phone: Client) -> None:
    session.execute(update(JoiningCode).values(expires_at=LONG_AGO))
    session.commit()


def _make_another(_session: Session, phone: Client) -> None:
    code_of(phone)


def _revoke(_session: Session, phone: Client) -> None:
    phone.delete("/v1/devices/me")


@pytest.mark.parametrize("happens", [_expire, _make_another, _revoke])
def test_a_code_ends(
    anyone: Client, phone: Client, session: Session, happens: Callable[[Session, Client], None]
) -> None:
    """With its time, with the next one, and with the device that made it."""
    code = code_of(phone)

    happens(session, phone)

    answer = anyone.post("/v1/devices", json={"joining_code": code})
    assert answer.json()["type"] == "/problems/joining-code-unknown"


@pytest.mark.parametrize("code", ["", "7K2M", "7K2M-9QXD", "UUUU-UUUU", "💥"])
def test_made_up_codes_all_get_the_same_answer(anyone: Client, session: Session, code: str) -> None:
    """Whether they look like one or not, so that nothing can be found out; nobody is made."""
    answer = anyone.post("/v1/devices", json={"joining_code": code})

    assert answer.status_code == 422
    assert answer.json()["detail"] == "Make a new code on the other device."
    assert session.scalars(select(Device)).all() == []


def test_a_code_that_could_not_be_used_is_still_good(
    anyone: Client, phone: Client, session: Session
) -> None:
    """A person with too many devices revokes one, and goes on."""
    first = session.scalars(select(Device)).one()
    for _ in range(MOST_DEVICES - 1):
        session.add(
            Device(
                person_id=first.person_id, token_hash=bytes(31) + bytes([_]), created_at=LONG_AGO
            )
        )
    session.commit()
    code = code_of(phone)

    full = anyone.post("/v1/devices", json={"joining_code": code})
    other = next(one for one in phone.get("/v1/devices").json() if not one["current"])
    phone.delete(f"/v1/devices/{other['id']}")

    assert full.json()["type"] == "/problems/too-many-devices"
    join(anyone, code)


def test_a_new_device_is_announced_to_the_others(
    anyone: Client, phone: Client, session: Session
) -> None:
    """In the inbox, and by push whatever it is for: somebody else may have added it."""
    agree(phone, Purpose.STATISTICS, Purpose.NEARBY)
    key = phone.get("/v1/push/key").json()["application_server_key"]
    phone.post("/v1/subscriptions", json=asking.subscription(key))

    join(anyone, code_of(phone), label="A <thief>")

    [told] = phone.get("/v1/notifications").json()["items"]
    assert (told["kind"], told["campaign_class"]) == ("device-joined", CampaignClass.SERVICE)
    assert told["title"] == "A device was added"
    assert told["body"].startswith("“A <thief>” can now see everything")
    assert len(session.scalars(select(Delivery)).all()) == 1


def test_a_persons_devices_are_listed_and_revoked(anyone: Client, phone: Client) -> None:
    """By either; the one that asks is marked."""
    second = join(anyone, code_of(phone))

    seen = [(one["label"], one["current"]) for one in phone.get("/v1/devices").json()]
    listed = second.get("/v1/devices").json()
    for _ in range(2):
        assert second.delete(f"/v1/devices/{listed[0]['id']}").status_code == 204

    assert seen == [("Old", True), ("New", False)]
    assert not any(one["pushed_to"] for one in listed)
    assert [(one["label"], one["current"]) for one in listed] == [("Old", False), ("New", True)]
    assert phone.get("/v1/devices/me").status_code == 401
    assert [one["label"] for one in second.get("/v1/devices").json()] == ["New"]


def test_somebody_elses_device_cannot_be_revoked(
    anyone: Client, phone: Client, session: Session
) -> None:
    """It looks as if there were none."""
    other, token = make_device(session, make_person(session))
    session.commit()

    answer = phone.delete(f"/v1/devices/{other.id}")

    assert answer.status_code == 404
    assert with_token(anyone, token).get("/v1/devices/me").status_code == 200


def test_members_sign_in_on_each_device(anyone: Client, manager: Client, phone: Client) -> None:
    """Their devices make no codes, and they join nobody's while signed in."""
    theirs = with_token(anyone, manager.post("/v1/devices", json={}).json()["token"])

    made = theirs.post("/v1/devices/me/joining-code")
    joined = manager.post("/v1/devices", json={"joining_code": code_of(phone)})

    assert made.status_code == 403
    assert joined.status_code == 403


def test_a_browser_joins_in_place_of_what_it_was(
    anyone: Client, phone: Client, settings: Settings
) -> None:
    """And stays what it was if the code is no good."""
    mine = browser(anyone, settings)
    made = mine.post("/v1/devices", json={"credential": "cookie"}).json()
    mine.headers["X-CSRF-Token"] = made["csrf_token"]
    body = {"credential": "cookie", "replaces_device": True}

    refused = mine.post("/v1/devices", json={**body, "joining_code": "0000-0000"})
    still = mine.get("/v1/devices/me").json()["id"]
    joined = mine.post("/v1/devices", json={**body, "joining_code": code_of(phone)}).json()

    assert refused.status_code == 422
    assert still == made["id"]
    assert joined["id"] in {one["id"] for one in phone.get("/v1/devices").json()}
    assert mine.get("/v1/devices/me").json()["id"] == joined["id"]


def limited(anyone: Client, settings: Settings, **rates: str) -> None:
    """Let the application count by other rates than the default ones."""
    limits = settings.limits.model_copy(update=rates)
    anyone.app.state.limiter = Limiter(  # type: ignore[attr-defined]
        anyone.app.state.sessions,  # type: ignore[attr-defined]
        settings.model_copy(update={"limits": limits}),
    )


def test_codes_cannot_be_tried_one_after_the_other(
    anyone: Client, phone: Client, settings: Settings
) -> None:
    """By one address; a code that is right does not help it any more."""
    limited(anyone, settings, joining_by_address="3/PT1H")
    code = code_of(phone)

    tries = [
        anyone.post("/v1/devices", json={"joining_code": f"0000-000{number}"})
        for number in range(3)
    ]
    answer = anyone.post("/v1/devices", json={"joining_code": code})

    assert {one.status_code for one in tries} == {422}
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert anyone.post("/v1/devices", json={}).status_code == 201


def test_codes_cannot_be_tried_from_everywhere_either(anyone: Client, settings: Settings) -> None:
    """Many addresses share what there is for all."""
    limited(anyone, settings, joining_altogether="2/PT1H")

    answers = [
        anyone.post("/v1/devices", json={"joining_code": "0000-0000"}).status_code for _ in range(3)
    ]

    assert answers == [422, 422, 429]
