"""Consents over HTTP: asked in plain words, given and withdrawn with receipts."""

import json
from datetime import datetime

import pytest
from httpx2 import Client
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import OKPKey
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Organisation, Purpose
from tests.api.conftest import agree, with_token
from tests.factories import make_access_token


def receipts(client: Client) -> list[dict[str, str]]:
    """The person's receipts, newest first."""
    found: list[dict[str, str]] = client.get("/v1/consents/receipts").json()["items"]
    return found


def test_each_purpose_is_asked_by_itself(stranger: Client) -> None:
    """A citizen is not asked for staff's tasks, and has agreed to nothing."""
    asked = stranger.get("/v1/consents").json()

    assert [one["purpose"] for one in asked] == [
        "check-in-content",
        "nearby",
        "statistics",
        "email",
    ]
    assert {(one["given_at"], one["withdrawn_at"]) for one in asked} == {(None, None)}


def test_a_text_is_agreed_to_in_the_language_it_was_read_in(stranger: Client) -> None:
    """In Welsh as in English."""
    asked = stranger.get("/v1/consents").json()[1]
    told = {"text_version": asked["text_version"]}
    welsh = stranger.put("/v1/consents/nearby", json=told | {"language": "cy"})
    words = stranger.get(f"/v1/consents/texts/nearby/{asked['text_version']}").json()["texts"]

    assert asked["texts"] == words
    assert asked["text"] == words["en-GB"] != words["cy"]
    assert welsh.status_code == 200
    assert [one["language"] for one in receipts(stranger)] == ["cy"]


def test_what_was_withdrawn_says_so(stranger: Client) -> None:
    """With when; and agreeing again begins anew."""
    agree(stranger, Purpose.STATISTICS)
    stranger.delete("/v1/consents/statistics")
    [withdrawn] = [
        one for one in stranger.get("/v1/consents").json() if one["purpose"] == "statistics"
    ]
    agree(stranger, Purpose.STATISTICS)
    [again] = [one for one in stranger.get("/v1/consents").json() if one["purpose"] == "statistics"]

    assert (withdrawn["given_at"], withdrawn["agreed_version"]) == (None, None)
    assert withdrawn["withdrawn_at"] is not None
    assert again["withdrawn_at"] is None
    assert again["given_at"] > withdrawn["withdrawn_at"]


def test_giving_and_withdrawing_leave_a_receipt_each(stranger: Client) -> None:
    """Newest first; doing either again leaves none."""
    for _ in range(2):
        agree(stranger, Purpose.NEARBY)
    for _ in range(2):
        stranger.delete("/v1/consents/nearby")

    withdrawn, given = receipts(stranger)

    assert (given["event_state"], withdrawn["event_state"]) == ("given", "withdrawn")
    assert given["record_id"] == withdrawn["record_id"]
    assert given["collection_method"] == "device"
    assert datetime.fromisoformat(given["event_time"]) <= datetime.fromisoformat(
        withdrawn["event_time"]
    )


def test_a_receipt_leads_to_the_words(stranger: Client, anyone: Client) -> None:
    """They can be read without a token, and their digest is the receipt's."""
    agree(stranger, Purpose.EMAIL)
    [receipt] = receipts(stranger)

    words = anyone.get(receipt["privacy_notice"].removeprefix("http://127.0.0.1:8080")).json()

    assert words["texts"][receipt["language"]] == TEXTS[Purpose.EMAIL].text
    assert anyone.get("/v1/consents/texts/nearby/2026-11").status_code == 200
    assert anyone.get("/v1/consents/texts/nearby/1999-12").status_code == 404


def test_a_receipt_can_be_proven_with_the_public_key_alone(
    stranger: Client, anyone: Client
) -> None:
    """Everything it says is signed, and what was changed is found out."""
    agree(stranger, Purpose.NEARBY)
    [receipt] = receipts(stranger)
    [key] = anyone.get("/v1/consents/receipts/keys").json()["keys"]

    read = jws.deserialize_compact(
        receipt["signed"], OKPKey.import_key(key), algorithms=["Ed25519"]
    )

    signed = json.loads(read.payload)
    assert read.headers()["kid"] == key["kid"]
    times = {signed.pop("event_time"), receipt.pop("event_time")}
    assert len({datetime.fromisoformat(time) for time in times}) == 1
    assert signed == {name: value for name, value in receipt.items() if name != "signed"}
    header, payload, signature = receipt["signed"].split(".")
    forged = f"{header}.{payload[:-4]}AAAA.{signature}"
    with pytest.raises(BadSignatureError):
        jws.deserialize_compact(forged, OKPKey.import_key(key), algorithms=["Ed25519"])


def test_receipts_come_in_pages(stranger: Client) -> None:
    """None twice, none left out."""
    for purpose in (Purpose.NEARBY, Purpose.STATISTICS, Purpose.EMAIL):
        agree(stranger, purpose)
    seen: list[str] = []
    address = "/v1/consents/receipts?limit=2"
    while address:
        page = stranger.get(address).json()
        seen += [one["purpose"] for one in page["items"]]
        address = page["next"]

    assert seen == ["email", "statistics", "nearby"]


def test_nobody_sees_anothers_receipts(stranger: Client, citizen: Client) -> None:
    """Each their own."""
    agree(citizen, Purpose.STATISTICS)

    assert receipts(stranger) == []
    assert len(receipts(citizen)) == 1


def test_members_agree_by_signing_in_too(
    anyone: Client, session: Session, organisation: Organisation
) -> None:
    """The receipt says by what."""
    member = with_token(anyone, make_access_token(session, organisation, Role.STAFF))
    session.commit()

    agree(member, Purpose.STAFF_TASKS)

    assert [one["collection_method"] for one in receipts(member)] == ["sign-in"]


def test_a_language_without_words_is_refused(stranger: Client) -> None:
    """Nobody agrees to what they cannot have read."""
    body = {"text_version": TEXTS[Purpose.NEARBY].version, "language": "fr"}

    assert stranger.put("/v1/consents/nearby", json=body).status_code == 404
    assert receipts(stranger) == []


def test_an_address_needs_the_consent_for_email(stranger: Client) -> None:
    """Without it none is stored; withdrawn, the address goes."""
    address = {"address": "anna@example.org"}
    refused = stranger.put("/v1/email", json=address)
    agree(stranger, Purpose.EMAIL)
    taken = stranger.put("/v1/email", json=address)
    stranger.delete("/v1/consents/email")

    assert (refused.status_code, refused.json()["purposes"]) == (403, ["email"])
    assert taken.status_code == 200
    assert stranger.get("/v1/email").status_code == 404


def test_only_what_people_are_told_has_channels(stranger: Client) -> None:
    """Nothing is told for statistics, and e-mail is itself a way."""
    listed = [one["purpose"] for one in stranger.get("/v1/channels").json()]
    choice = {"push": True, "email": False}

    assert listed == ["check-in-content", "nearby"]
    assert stranger.put("/v1/channels/statistics", json=choice).status_code == 403
