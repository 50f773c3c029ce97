"""Channels and e-mail addresses over HTTP."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Client, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation, Purpose
from geoservices.campaigns.rules import Trigger
from geoservices.letters import digests, service
from geoservices.letters.models import EmailAddress, Letter
from geoservices.mail.sending import MailOutcome, Sent
from geoservices.settings.sending import MailSettings
from geoservices.settings.service import Settings
from tests.api.asking import check_in, now, subscription
from tests.api.conftest import agree
from tests.api.telling import tell
from tests.factories import make_campaign, make_geofence, make_listing, make_place
from tests.writing import token_in, unsubscribe_token_in

ADDRESS = {"address": "anna@example.org"}


@pytest.fixture
def without_mail(application: FastAPI, settings: Settings) -> Iterator[None]:
    """The service has no server for mail."""
    application.state.settings = settings.model_copy(update={"mail": MailSettings()})
    yield
    application.state.settings = settings


@pytest.fixture
def postings(session: Session, settings: Settings) -> Callable[[], list[service.Posting]]:
    """Has a worker send what waits, and returns it."""

    def send() -> list[service.Posting]:
        ids = session.scalars(select(Letter.id)).all()
        sent = service.claim(session, ids, settings=settings, at=now())
        taken = MailOutcome(kind=Sent.TAKEN, reason="taken")
        service.settle(session, [(one, taken) for one in sent], at=now())
        session.commit()
        return sent

    return send


@pytest.fixture
def confirmed(citizen: Client, postings: Callable[[], list[service.Posting]]) -> Client:
    """A citizen who opened the link in the letter."""
    assert citizen.put("/v1/email", json=ADDRESS).status_code == 200
    [posting] = postings()
    answer = citizen.post("/v1/email/confirmation", json={"token": token_in(posting)})
    assert answer.status_code == 204
    return citizen


def problem(answer: Response) -> tuple[int, str]:
    """The status and the code of a refusal."""
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


def test_everyone_has_push_and_the_inbox(citizen: Client) -> None:
    """E-mail takes an address first."""
    assert citizen.get("/v1/channels").json() == [
        {"purpose": purpose, "push": True, "email": False, "email_possible": False}
        for purpose in ("check-in-content", "nearby")
    ]


def test_a_choice_is_kept(confirmed: Client) -> None:
    """The answer is what holds now; sending it again changes nothing."""
    wanted = {"push": False, "email": True}

    answers = [confirmed.put("/v1/channels/nearby", json=wanted) for _ in range(2)]

    expected = {"purpose": "nearby", **wanted, "email_possible": True}
    assert [answer.json() for answer in answers] == [expected] * 2
    assert confirmed.get("/v1/channels").json()[1] == expected


def test_email_takes_a_confirmed_address(citizen: Client) -> None:
    """One that was only given is not enough."""
    wanted = {"push": True, "email": True}
    without = citizen.put("/v1/channels/nearby", json=wanted)
    citizen.put("/v1/email", json=ADDRESS)
    unconfirmed = citizen.put("/v1/channels/nearby", json=wanted)

    assert problem(without) == problem(unconfirmed) == (409, "email-not-confirmed")
    assert not any(one["email"] for one in citizen.get("/v1/channels").json())


@pytest.mark.parametrize(
    "body",
    [{}, {"push": True}, {"push": 1, "email": False}, {"push": True, "email": False, "sms": True}],
)
def test_half_a_choice_is_refused(citizen: Client, body: dict[str, Any]) -> None:
    """Both ways are named, and no other."""
    assert problem(citizen.put("/v1/channels/nearby", json=body)) == (422, "invalid-request")


def test_tasks_are_for_staff(citizen: Client) -> None:
    """As the consent is; and there is no such purpose as spam."""
    wanted = {"push": True, "email": False}

    assert problem(citizen.put("/v1/channels/staff-tasks", json=wanted)) == (403, "forbidden")
    assert citizen.put("/v1/channels/spam", json=wanted).status_code == 422


@pytest.mark.usefixtures("without_mail")
def test_without_a_server_there_is_no_email(citizen: Client) -> None:
    """Told plainly, wherever it is asked for."""
    wanted = {"push": True, "email": True}

    assert problem(citizen.put("/v1/email", json=ADDRESS)) == (409, "email-unavailable")
    assert problem(citizen.put("/v1/channels/nearby", json=wanted)) == (409, "email-unavailable")
    assert not any(one["email_possible"] for one in citizen.get("/v1/channels").json())


def test_push_switched_off_pushes_nothing(
    citizen: Client, session: Session, organisation: Organisation, settings: Settings
) -> None:
    """What was on its way is called back, and what comes later waits in the inbox alone."""
    place = make_place(session, organisation)
    make_geofence(session, place)
    make_campaign(
        session,
        make_listing(session, place),
        trigger=Trigger.CHECKED_IN,
        purpose=Purpose.CHECK_IN_CONTENT,
        cooldown=timedelta(0),
    )
    session.commit()
    key = citizen.get("/v1/push/key").json()["application_server_key"]
    citizen.post("/v1/subscriptions", json=subscription(key))
    citizen.post("/v1/check-ins", json=check_in(place.id))
    assert tell(session, settings) == 1
    [waiting] = citizen.get("/v1/notifications").json()["items"]

    citizen.put("/v1/channels/check-in-content", json={"push": False, "email": False})
    citizen.post("/v1/check-ins", json=check_in(place.id))
    tell(session, settings)
    later, called_back = citizen.get("/v1/notifications").json()["items"]

    assert waiting["push"] == "waiting"
    assert called_back["id"] == waiting["id"]
    assert called_back["push"] == "failed"
    assert called_back["deliveries"][0]["reason"] == "push was switched off"
    assert (later["push"], later["deliveries"]) == ("none", [])


def test_an_address_is_given_and_confirmed(
    citizen: Client, postings: Callable[[], list[service.Posting]]
) -> None:
    """Whoever opens the link needs no token of a device."""
    given = citizen.put("/v1/email", json={**ADDRESS, "digest_at": "08:30"})
    [posting] = postings()
    del citizen.headers["Authorization"]
    token = {"token": token_in(posting)}
    confirmation = citizen.post("/v1/email/confirmation", json=token)
    again = citizen.post("/v1/email/confirmation", json=token)

    assert given.status_code == 200
    assert given.json()["state"] == "unconfirmed"
    assert given.json()["next_digest_at"] is None
    assert given.json()["digest_at"] == "08:30"
    assert confirmation.status_code == 204
    assert problem(again) == (422, "email-token-refused")


def test_an_owner_sees_how_their_address_fares(confirmed: Client, session: Session) -> None:
    """Confirmed, and bouncing."""
    before = confirmed.get("/v1/email").json()
    address = session.scalars(select(EmailAddress)).one()
    address.bouncing_at, address.digest_due_at = now(), None
    session.commit()
    after = confirmed.get("/v1/email").json()

    assert (before["address"], before["state"]) == ("anna@example.org", "confirmed")
    assert before["next_digest_at"]
    assert (after["state"], after["next_digest_at"]) == ("bouncing", None)


def test_letters_are_sent_a_minute_apart_at_most(citizen: Client) -> None:
    """The answer says when to come back; the same address again is no other letter."""
    same = [citizen.put("/v1/email", json=ADDRESS).status_code for _ in range(2)]
    other = citizen.put("/v1/email", json={"address": "bob@example.org"})

    assert same == [200, 200]
    assert problem(other) == (429, "too-many-confirmations")
    assert 0 < int(other.headers["Retry-After"]) <= 60
    assert other.json()["retry_after_s"] == int(other.headers["Retry-After"])
    assert citizen.get("/v1/email").json()["address"] == "anna@example.org"


def test_nobody_learns_whether_an_address_is_used_elsewhere(
    citizen: Client, stranger: Client, session: Session
) -> None:
    """Both are told the same, word for word, though the second gets no letter."""
    agree(stranger, Purpose.EMAIL)
    first, second = (client.put("/v1/email", json=ADDRESS).json() for client in (citizen, stranger))

    for told in (first, second):
        del told["set_at"]
    assert first == second
    assert sorted(session.scalars(select(Letter.state))) == ["dropped", "queued"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"address": None},
        {"address": "anna"},
        {"address": "anna@example.org\r\nBcc: bob@example.org"},
        {"address": "anna@example.org, bob@example.org"},
        {"address": "a" * 300 + "@example.org"},
        {**ADDRESS, "digest_at": "25:00"},
        {**ADDRESS, "digest_at": "17:00:30"},
        {**ADDRESS, "digest_at": "17:00+01:00"},
        {**ADDRESS, "name": "Anna"},
    ],
)
def test_what_is_no_address_or_hour_is_refused(
    citizen: Client, session: Session, body: dict[str, Any]
) -> None:
    """And no letter is written."""
    answer = citizen.put("/v1/email", json=body)

    assert answer.status_code == 422
    assert "bob" not in answer.text
    assert session.scalar(select(func.count()).select_from(Letter)) == 0


def test_taken_away_it_is_gone(confirmed: Client) -> None:
    """With the wish for e-mail; again changes nothing."""
    confirmed.put("/v1/channels/nearby", json={"push": True, "email": True})

    answers = [confirmed.delete("/v1/email").status_code for _ in range(2)]

    assert answers == [204, 204]
    assert confirmed.get("/v1/email").status_code == 404
    assert not any(one["email"] for one in confirmed.get("/v1/channels").json())


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        pytest.param("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded", id="form"),
        pytest.param(
            '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
            "One-Click\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
            id="multipart",
        ),
        pytest.param(None, None, id="our own page"),
    ],
)
def test_one_click_ends_digests(
    confirmed: Client,
    anyone: Client,
    session: Session,
    organisation: Organisation,
    settings: Settings,
    postings: Callable[[], list[service.Posting]],
    content: str | None,
    media_type: str | None,
) -> None:
    """As programs of mail do it (RFC 8058 section 3.2): a form by POST, without signing in."""
    confirmed.put("/v1/channels/check-in-content", json={"push": False, "email": True})
    place = make_place(session, organisation)
    make_geofence(session, place)
    make_campaign(
        session,
        make_listing(session, place),
        trigger=Trigger.CHECKED_IN,
        purpose=Purpose.CHECK_IN_CONTENT,
    )
    session.commit()
    confirmed.post("/v1/check-ins", json=check_in(place.id))
    tell(session, settings)
    session.scalars(select(EmailAddress)).one().digest_due_at = now()
    session.commit()
    digests.make_due(session, at=now(), limit=10)
    session.commit()
    [posting] = postings()
    headers = {"Content-Type": media_type} if media_type else {}
    address = f"/v1/email/unsubscribe?token={unsubscribe_token_in(posting)}"

    looked = anyone.get(address)
    before = [one["email"] for one in confirmed.get("/v1/channels").json()]
    answers = [anyone.post(address, content=content, headers=headers) for _ in range(2)]
    after = [one["email"] for one in confirmed.get("/v1/channels").json()]

    assert (looked.status_code, looked.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert [answer.status_code for answer in answers] == [204, 204]
    assert (before, after) == ([True, False], [False, False])


def test_forms_are_taken_nowhere_else(citizen: Client) -> None:
    """Another site's page could send one."""
    answer = citizen.put(
        "/v1/email",
        content="address=anna@example.org",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert problem(answer) == (415, "unsupported-media-type")


def test_a_new_time_zone_moves_the_digest(confirmed: Client) -> None:
    """To the same hour there."""
    before = confirmed.get("/v1/email").json()["next_digest_at"]
    confirmed.put("/v1/preferences", json={"time_zone": "Pacific/Auckland"})

    assert confirmed.get("/v1/email").json()["next_digest_at"] != before
