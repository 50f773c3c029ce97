"""Signing in over HTTP: cookies and tokens, second factors, links, and who may send them."""

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from httpx2 import Client, Response
from pyotp import TOTP
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation
from geoservices.database import SessionFactory
from geoservices.letters import service as letters
from geoservices.letters.models import EmailAddress, Letter, LetterKind
from geoservices.limiting.limiter import Limiter
from geoservices.settings.entering import LimitSettings
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.asking import now
from tests.api.conftest import client_of, with_token
from tests.factories import NOON, make_access_token, make_organisation, make_person
from tests.signing import PASSWORD, Account, make_account
from tests.writing import token_in

NEW = "gossamer tin walrus ferry"


@pytest.fixture
def anna(session: Session, organisation: Organisation, settings: Settings) -> Account:
    """A manager of Devon's with a password."""
    return make_account(session, organisation, settings=settings)


@pytest.fixture
def bert(session: Session, organisation: Organisation, settings: Settings) -> Account:
    """An admin of Devon's with a second factor."""
    return make_account(
        session,
        organisation,
        role=Role.ADMIN,
        username="bert",
        second_factor=True,
        settings=settings,
    )


def signed_in(client: Client, **changes: Any) -> Client:
    """A client that signed in for a bearer token."""
    answer = client.post("/v1/sign-in", json=asking.sign_in(**changes))
    assert answer.status_code == 201, answer.text
    return with_token(client, answer.json()["token"])


def code_of(answer: Response) -> str:
    """The code of a problem."""
    return str(answer.json()["type"]).rpartition("/")[2]


@pytest.mark.usefixtures("anna")
def test_a_bearer_token_is_good_for_what_the_member_may_do(anyone: Client) -> None:
    """And for nothing once they signed out."""
    client = signed_in(anyone)
    allowed = client.get("/v1/campaigns")
    out = client.delete("/v1/sign-in")

    assert (allowed.status_code, out.status_code) == (200, 200)
    assert out.json() == {"end_at": None}
    assert client.get("/v1/campaigns").status_code == 401


@pytest.mark.usefixtures("anna")
@pytest.mark.usefixtures("anyone")
def test_a_browser_is_signed_in_by_a_cookie(application: FastAPI) -> None:
    """No script sees it, no other site can use it, and signing out takes it away."""
    browser = client_of(application)
    answer = browser.post("/v1/sign-in", json=asking.sign_in(credential="cookie"))
    given = {one.partition("=")[0]: one for one in answer.headers.get_list("set-cookie")}
    told = answer.json()
    browser.headers["X-CSRF-Token"] = told["csrf_token"]

    assert told["token"] is None
    assert "HttpOnly" in given["member"]
    assert "Max-Age=43200" in given["member"]
    assert "SameSite=strict" in given["pass"]
    assert browser.get("/v1/campaigns").status_code == 200
    del browser.headers["X-CSRF-Token"]
    assert code_of(browser.delete("/v1/sign-in")) == "csrf"
    browser.headers["X-CSRF-Token"] = told["csrf_token"]
    assert browser.delete("/v1/sign-in").status_code == 200
    assert browser.cookies.get("member") is None
    assert browser.get("/v1/campaigns").status_code == 401


@pytest.mark.usefixtures("anna")
def test_no_other_site_signs_anybody_in(anyone: Client) -> None:
    """Else people would act as whoever made that site."""
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    answer = anyone.post("/v1/sign-in", json=asking.sign_in(credential="cookie"), headers=elsewhere)

    assert code_of(answer) == "csrf"
    assert "set-cookie" not in answer.headers


@pytest.mark.usefixtures("anna")
def test_a_token_planted_before_is_not_the_one_after(anyone: Client) -> None:
    """Signing in makes a new one, whatever the browser brought along, and each time another."""
    planted = {"Cookie": "member=gsa_planted"}
    given = [
        anyone.post("/v1/sign-in", json=asking.sign_in(credential="cookie"), headers=planted)
        .headers.get_list("set-cookie")[0]
        .partition(";")[0]
        for _ in range(2)
    ]

    assert all(one.startswith("member=gsa_") for one in given)
    assert len({"member=gsa_planted", *given}) == 3


@pytest.mark.usefixtures("anna")
def test_wrong_passwords_and_unknown_names_are_answered_alike(anyone: Client) -> None:
    """To the letter, but for the id of the request."""
    told = []
    for changes in ({"password": "not it at all, sorry"}, {"username": "nobody"}):
        answer = anyone.post("/v1/sign-in", json=asking.sign_in(**changes))
        body = answer.json()
        del body["request_id"]
        headers = {
            name: value
            for name, value in answer.headers.items()
            if name not in {"x-request-id", "content-length"}
        }
        told.append((answer.status_code, body, headers))

    assert told[0] == told[1]
    assert told[0][0] == 401


def test_guessing_is_answered_with_how_long_to_wait(anyone: Client, anna: Account) -> None:
    """For an account, whoever asks; the right password does not help then."""
    guess = asking.sign_in(username=anna.row.username, password="not it at all, sorry")
    answers = [anyone.post("/v1/sign-in", json=guess) for _ in range(5)]
    refused = anyone.post("/v1/sign-in", json=asking.sign_in())

    assert {answer.status_code for answer in answers} == {401}
    assert (refused.status_code, code_of(refused)) == (429, "too-many-attempts")
    assert refused.headers["Retry-After"] == "1"


def test_an_address_has_so_many_guesses(
    application: FastAPI, anyone: Client, sessions: SessionFactory, settings: Settings
) -> None:
    """At all accounts together."""
    limits = LimitSettings(sign_in_by_address="3/PT15M")
    application.state.limiter = Limiter(sessions, settings.model_copy(update={"limits": limits}))
    answers = [
        anyone.post("/v1/sign-in", json=asking.sign_in(username=f"anna{number}"))
        for number in range(4)
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert code_of(answers[3]) == "too-many-requests"


def test_a_code_is_sent_along(anyone: Client, bert: Account) -> None:
    """Once; then another one."""
    without = anyone.post("/v1/sign-in", json=asking.sign_in(username="bert"))
    code = bert.code(now())
    with_it = anyone.post("/v1/sign-in", json=asking.sign_in(username="bert", code=code))
    again = anyone.post("/v1/sign-in", json=asking.sign_in(username="bert", code=code))

    assert (without.status_code, code_of(without)) == (401, "second-factor-needed")
    assert with_it.status_code == 201
    assert (again.status_code, code_of(again)) == (403, "second-factor-refused")


@pytest.mark.usefixtures("anna")
def test_blanks_of_a_password_count(anyone: Client) -> None:
    """At its ends as well."""
    mine = signed_in(anyone)
    spaced = f" {NEW} "
    assert mine.put("/v1/password", json={"current": PASSWORD, "new": spaced}).status_code == 204

    assert anyone.post("/v1/sign-in", json=asking.sign_in(password=NEW)).status_code == 401
    assert anyone.post("/v1/sign-in", json=asking.sign_in(password=spaced)).status_code == 201


@pytest.mark.usefixtures("anna")
def test_sign_ins_are_listed_and_ended(anyone: Client) -> None:
    """One, or all but the one that asks."""
    anyone.headers["User-Agent"] = "Firefox on the desk"
    mine, other, third = (signed_in(anyone) for _ in range(3))
    listed = mine.get("/v1/sign-ins").json()
    theirs = next(one["id"] for one in other.get("/v1/sign-ins").json() if one["current"])

    assert len(listed) == 3
    assert [one["current"] for one in listed].count(True) == 1
    assert {one["label"] for one in listed} == {"Firefox on the desk"}
    assert {one["kind"] for one in listed} == {"password"}
    assert mine.delete(f"/v1/sign-ins/{theirs}").status_code == 204
    assert mine.delete(f"/v1/sign-ins/{theirs}").status_code == 404
    assert other.get("/v1/sign-ins").status_code == 401
    assert mine.delete("/v1/sign-ins").status_code == 204
    assert third.get("/v1/sign-ins").status_code == 401
    assert len(mine.get("/v1/sign-ins").json()) == 1


def test_nobody_ends_anothers_sign_in(anyone: Client, anna: Account, bert: Account) -> None:
    """Not even an admin, by its id."""
    annas = signed_in(anyone)
    [hers] = annas.get("/v1/sign-ins").json()
    admin = signed_in(anyone, username="bert", code=bert.code(now()))

    assert admin.delete(f"/v1/sign-ins/{hers['id']}").status_code == 404
    assert annas.get("/v1/sign-ins").status_code == 200
    assert anna.person.id != bert.person.id


@pytest.mark.usefixtures("anna")
def test_a_second_factor_is_set_up_and_removed(anyone: Client) -> None:
    """It takes the password to begin, a code to count, and both to end."""
    mine = signed_in(anyone)
    wrong = mine.post("/v1/second-factor", json={"password": "not it at all, sorry"})
    early = mine.post("/v1/second-factor/confirmation", json={"code": "123456"})
    shared = mine.post("/v1/second-factor", json={"password": PASSWORD}).json()
    app, once_more = TOTP(shared["secret"]), {"password": PASSWORD}
    unconfirmed = mine.get("/v1/second-factor").json()
    bad = mine.post("/v1/second-factor/confirmation", json={"code": "abcdef"})
    confirmed = mine.post(
        "/v1/second-factor/confirmation", json={"code": app.at(now(), counter_offset=-1)}
    )
    recovery = confirmed.json()["recovery_codes"]

    assert (code_of(wrong), code_of(early)) == ("password-wrong", "second-factor-off")
    assert shared["secret"] in shared["uri"]
    assert shared["qr_svg"].startswith("<?xml")
    assert unconfirmed == {"confirmed_at": None, "recovery_codes_left": 0}
    assert code_of(bad) == "second-factor-refused"
    assert len(set(recovery)) == 10
    assert code_of(mine.post("/v1/second-factor", json=once_more)) == "second-factor-on"
    assert anyone.post("/v1/sign-in", json=asking.sign_in()).status_code == 401
    signed_in(anyone, code=recovery[0])
    assert mine.get("/v1/second-factor").json()["recovery_codes_left"] == 9
    half = mine.post("/v1/second-factor/removal", json={**once_more, "code": recovery[0]})
    both = mine.post("/v1/second-factor/removal", json={**once_more, "code": app.at(now())})
    assert (code_of(half), both.status_code) == ("second-factor-refused", 204)
    signed_in(anyone)


@pytest.mark.usefixtures("anna")
def test_who_has_to_set_up_a_second_factor_can_do_nothing_else(
    application: FastAPI, anyone: Client
) -> None:
    """Until they have."""
    settings = application.state.settings
    strict = settings.sign_in.model_copy(update={"demand_second_factor": True})
    application.state.settings = settings.model_copy(update={"sign_in": strict})
    try:
        answer = anyone.post("/v1/sign-in", json=asking.sign_in())
        mine = with_token(anyone, answer.json()["token"])
        refused = mine.get("/v1/campaigns")
        shared = mine.post("/v1/second-factor", json={"password": PASSWORD}).json()
        code = TOTP(shared["secret"]).at(now())
        mine.post("/v1/second-factor/confirmation", json={"code": code})
    finally:
        application.state.settings = settings

    assert answer.json()["second_factor_demanded"] is True
    assert (refused.status_code, code_of(refused)) == (403, "second-factor-demanded")
    assert mine.get("/v1/campaigns").status_code == 200


def test_an_invited_member_sets_a_password(
    anyone: Client, admin: Client, session: Session, organisation: Organisation
) -> None:
    """By a link that the admin hands over, since the member has no address; it works once."""
    member = make_person(session, organisation=organisation)
    session.commit()
    address = f"/v1/members/{member.id}/invitation"
    nameless = admin.post(address, json={})
    made = admin.post(address, json={"username": "Carys.Rees"}).json()
    link = urlsplit(made["link"])
    body = {"token": link.fragment, "password": PASSWORD}
    weak = anyone.post("/v1/password", json={**body, "password": "carys.rees99"})
    done = anyone.post("/v1/password", json=body)
    again = anyone.post("/v1/password", json=body)

    assert code_of(nameless) == "username-refused"
    assert (link.path, link.query) == ("/password", "")
    assert datetime.fromisoformat(made["expires_at"]) > now() + timedelta(hours=71)
    assert code_of(weak) == "password-refused"
    assert done.json() == {"username": "carys.rees"}
    assert (again.status_code, code_of(again)) == (422, "password-link-refused")
    assert signed_in(anyone, username="carys.rees").get("/v1/sign-ins").status_code == 200


def test_only_an_organisations_admins_invite_its_members(
    anyone: Client, admin: Client, manager: Client, session: Session, anna: Account
) -> None:
    """Nobody takes over an account of somebody else's organisation."""
    dorset = make_access_token(session, make_organisation(session, "dorset"), Role.ADMIN)
    session.commit()
    address = f"/v1/members/{anna.person.id}"

    assert manager.post(f"{address}/invitation", json={}).status_code == 403
    assert with_token(anyone, dorset).post(f"{address}/invitation", json={}).status_code == 404
    assert with_token(anyone, dorset).delete(f"{address}/second-factor").status_code == 404
    assert admin.post(f"{address}/invitation", json={}).status_code == 201


@pytest.mark.usefixtures("anna")
def test_a_username_is_one_members(
    admin: Client, session: Session, organisation: Organisation
) -> None:
    """Of the whole installation, however it is written."""
    member = make_person(session, organisation=organisation)
    session.commit()
    answer = admin.post(f"/v1/members/{member.id}/invitation", json={"username": "ANNA"})

    assert (answer.status_code, code_of(answer)) == (409, "username-taken")


def test_an_admin_removes_a_lost_second_factor(
    anyone: Client, admin: Client, bert: Account
) -> None:
    """Which signs the member out."""
    theirs = signed_in(anyone, username="bert", code=bert.code(now()))

    assert admin.delete(f"/v1/members/{bert.person.id}/second-factor").status_code == 204
    assert theirs.get("/v1/sign-ins").status_code == 401
    signed_in(anyone, username="bert")


def known_address(session: Session, account: Account) -> None:
    """Let a member's organisation know an address of theirs."""
    account.person.email = "anna@devon.example"
    session.commit()


def test_a_reset_goes_by_letter(
    anyone: Client, session: Session, settings: Settings, anna: Account
) -> None:
    """With a link that is in no row of the database, and works once."""
    known_address(session, anna)
    asked = anyone.post("/v1/password-reset", json={"username": "Anna"})
    letter = session.scalars(select(Letter)).one()
    [posting] = letters.claim(session, [letter.id], settings=settings, at=now())
    session.commit()
    token = token_in(posting)
    done = anyone.post("/v1/password", json={"token": token, "password": NEW})
    again = anyone.post("/v1/password", json={"token": token, "password": NEW})

    assert (asked.status_code, asked.content) == (202, b"")
    assert letter.kind == LetterKind.PASSWORD_RESET
    assert posting.mail.to == "anna@devon.example"
    assert f"{settings.public_url}/password#{token}" in posting.mail.text
    assert token not in str([vars(one) for one in session.scalars(select(Letter))])
    assert (done.status_code, again.status_code) == (200, 422)
    signed_in(anyone, password=NEW)


def test_an_address_that_a_device_can_set_gets_no_reset(
    anyone: Client, session: Session, anna: Account
) -> None:
    """Whoever finds an unlocked phone could otherwise come by the account of its owner."""
    session.add(
        EmailAddress(
            person_id=anna.person.id,
            address="finder@example.org",
            digest_at=NOON.time(),
            set_at=NOON,
            confirmed_at=NOON,
        )
    )
    session.commit()

    asked = anyone.post("/v1/password-reset", json={"username": "anna"})

    assert asked.status_code == 202
    assert session.scalars(select(Letter)).all() == []


def test_whether_there_is_an_account_cannot_be_asked(
    anyone: Client, session: Session, anna: Account
) -> None:
    """The answer is the same, and how often one may ask too."""
    known_address(session, anna)
    told = [
        [anyone.post("/v1/password-reset", json={"username": name}).status_code for _ in range(4)]
        for name in ("anna", "nobody")
    ]

    assert told == [[202, 202, 202, 429]] * 2
    assert len(session.scalars(select(Letter)).all()) == 1


def test_an_invitation_goes_by_letter_where_there_is_an_address(
    admin: Client, session: Session, settings: Settings, anna: Account
) -> None:
    """Then the admin never sees the link."""
    known_address(session, anna)
    made = admin.post(f"/v1/members/{anna.person.id}/invitation", json={}).json()
    letter = session.scalars(select(Letter)).one()
    [posting] = letters.claim(session, [letter.id], settings=settings, at=now())

    assert made["link"] is None
    assert letter.kind == LetterKind.INVITATION
    assert "Your username is anna" in posting.mail.text
    assert "Devon" in posting.mail.text


def test_a_username_that_is_an_address_is_written_to(
    admin: Client, session: Session, organisation: Organisation
) -> None:
    """Since the member's organisation chose it."""
    member = make_person(session, organisation=organisation)
    session.commit()
    body = {"username": "Carys@example.org"}
    made = admin.post(f"/v1/members/{member.id}/invitation", json=body).json()

    assert made["link"] is None
    assert session.scalars(select(Letter.recipient)).one() == "carys@example.org"


def test_a_member_is_written_to_where_the_organisation_knows_them(
    anyone: Client, session: Session, anna: Account
) -> None:
    """And may ask for a reset by that address."""
    anna.person.email = "anna@devon.example"
    session.commit()
    anyone.post("/v1/password-reset", json={"username": "Anna@Devon.example"})

    assert session.scalars(select(Letter.recipient)).one() == "anna@devon.example"


def test_who_is_disabled_is_answered_as_if_there_were_none(
    anyone: Client, session: Session, anna: Account
) -> None:
    """With the right password too, and gets no letter."""
    anna.person.email, anna.person.disabled_at = "anna@devon.example", NOON
    session.commit()

    assert code_of(anyone.post("/v1/sign-in", json=asking.sign_in())) == "sign-in-refused"
    assert anyone.post("/v1/password-reset", json={"username": "anna"}).status_code == 202
    assert session.scalars(select(Letter)).all() == []


@pytest.mark.usefixtures("anna")
def test_no_secret_is_logged(anyone: Client, logged: Any) -> None:
    """Neither passwords nor codes, tokens or names."""
    client = signed_in(anyone)
    client.put("/v1/password", json={"current": PASSWORD, "new": NEW})
    anyone.post("/v1/password", json={"token": "gsl_made-up", "password": NEW})

    for secret in (PASSWORD, NEW, "gsl_", "gsa_", "anna"):
        assert secret not in logged()


def test_what_is_refused_is_written_down(anyone: Client, anna: Account, logged: Any) -> None:
    """With the reason and the request, and without the name that was typed."""
    refused = [
        anyone.post("/v1/sign-in", json=asking.sign_in(**changes))
        for changes in ({"password": "not it at all, sorry"}, {"username": "hunter2 by mistake"})
    ]

    lines = [json.loads(line) for line in logged().splitlines() if "sign_in_refused" in line]
    assert [line["reason"] for line in lines] == ["sign-in-refused"] * 2
    assert [line["request_id"] for line in lines] == [
        answer.headers["x-request-id"] for answer in refused
    ]
    assert anna.row.username not in logged()
    assert "hunter2" not in logged()


def test_signing_in_again_ends_what_the_browser_had(anyone: Client, anna: Account) -> None:
    """Whoever copied the cookie of before has nothing; another browser stays signed in."""
    elsewhere = signed_in(anyone, username=anna.row.username)
    asked = asking.sign_in(credential="cookie")
    anyone.post("/v1/sign-in", json=asked)
    copied = anyone.cookies["member"]
    anyone.post("/v1/sign-in", json=asked)

    assert with_token(anyone, copied).get("/v1/sign-ins").status_code == 401
    assert len(elsewhere.get("/v1/sign-ins").json()) == 2
