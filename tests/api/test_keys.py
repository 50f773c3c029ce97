"""API keys over HTTP, and what somebody tries who has none."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from geoservices.access.rights import NOT_FOR_KEYS, Right
from geoservices.accounts.models import Organisation
from geoservices.keys.models import ApiKey
from geoservices.keys.service import NOTED_EVERY
from tests.api import asking
from tests.api.conftest import with_token
from tests.factories import make_api_key, make_organisation


def make(admin: Client, **changes: Any) -> dict[str, Any]:
    """A new key."""
    answer = admin.post("/v1/api-keys", json=asking.key(**changes))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def listings(client: Client, key: dict[str, Any]) -> int:
    """What a key's secret is answered when it asks for listings."""
    return with_token(client, key["secret"]).get("/v1/listings").status_code


def test_a_key_is_good_for_its_scopes_alone(admin: Client, anyone: Client) -> None:
    """Within its organisation; what is for people is not for it."""
    machine = with_token(anyone, make(admin)["secret"])

    told = {
        path: machine.get(path).status_code
        for path in ("/v1/listings", "/v1/places", "/v1/campaigns", "/v1/preferences")
    }

    assert told == {
        "/v1/listings": 200,
        "/v1/places": 200,
        "/v1/campaigns": 403,
        "/v1/preferences": 403,
    }


def test_a_secret_is_shown_once_and_kept_nowhere(admin: Client, session: Session) -> None:
    """Neither in the list nor in any column; its beginning tells keys apart."""
    made = make(admin)

    [listed] = admin.get("/v1/api-keys").json()["items"]
    [stored] = session.execute(text("SELECT k::text FROM api_keys AS k")).scalars()

    assert listed == {name: value for name, value in made.items() if name != "secret"}
    assert made["secret"].startswith(made["prefix"])
    assert made["secret"] not in stored
    assert made["secret"][12:] not in stored


def test_a_rotated_key_has_two_secrets_for_a_while(
    admin: Client, anyone: Client, session: Session
) -> None:
    """The one before holds for the grace; at the next rotation it ends, and without one at once."""
    first = make(admin)
    address = f"/v1/api-keys/{first['id']}/rotation"

    second = admin.post(address, json={"grace": "PT1H"}).json()
    within = [listings(anyone, key) for key in (first, second)]
    session.execute(update(ApiKey).values(previous_until=asking.now() - timedelta(seconds=1)))
    session.commit()
    after = [listings(anyone, key) for key in (first, second)]
    third = admin.post(address, json={"grace": "PT1H"}).json()
    rotated = [listings(anyone, key) for key in (first, second, third)]
    fourth = admin.post(address, json={"grace": "PT0S"}).json()
    at_once = [listings(anyone, key) for key in (first, second, third, fourth)]

    assert (within, after, rotated) == ([200, 200], [401, 200], [401, 200, 200])
    assert at_once == [401, 401, 401, 200]
    assert second["expires_at"] == first["expires_at"]


def test_a_revoked_or_expired_key_is_worthless_at_once(
    admin: Client, anyone: Client, session: Session
) -> None:
    """Both its secrets, however often it is sent again; it gets no new one."""
    revoked, expired = make(admin), make(admin)
    rotated = admin.post(f"/v1/api-keys/{revoked['id']}/rotation", json={}).json()

    gone = [admin.delete(f"/v1/api-keys/{revoked['id']}").status_code for _ in range(2)]
    session.execute(
        update(ApiKey)
        .where(ApiKey.id == expired["id"])
        .values(created_at=asking.now() - timedelta(days=2), expires_at=asking.now())
    )
    session.commit()

    assert gone == [204, 204]
    for key in (revoked, rotated, expired):
        assert [listings(anyone, key) for _ in range(3)] == [401, 401, 401]
        refused = admin.post(f"/v1/api-keys/{key['id']}/rotation", json={})
        assert refused.json()["type"] == "/problems/key-not-in-use"


@pytest.mark.parametrize("scope", sorted(NOT_FOR_KEYS))
def test_no_key_lets_others_in_or_gives_its_word(admin: Client, scope: Right) -> None:
    """Nobody makes such a key, and one that were in the database could not use it."""
    refused = admin.post("/v1/api-keys", json=asking.key(scopes=["listings:read", scope]))

    assert (refused.status_code, refused.json()["field"]) == (403, "/scopes")
    assert admin.get("/v1/api-keys").json()["items"] == []


def test_a_right_that_a_key_cannot_have_counts_for_nothing(
    anyone: Client, session: Session, organisation: Organisation
) -> None:
    """Whoever writes to the table by hand gets no further."""
    _key, secret = make_api_key(session, organisation, set(Right))
    session.commit()
    machine = with_token(anyone, secret)

    made = machine.post("/v1/members", json={"name": "Ann", "role": "admin"})
    another = machine.post("/v1/api-keys", json=asking.key())

    assert (made.status_code, another.status_code) == (403, 403)


@pytest.mark.parametrize("days", [-1, 0, 732])
def test_a_key_expires_within_two_years(admin: Client, days: int) -> None:
    """It says so, and there is no key without an end."""
    body = asking.key(expires_at=(asking.now() + timedelta(days=days)).isoformat())
    endless = {name: value for name, value in body.items() if name != "expires_at"}

    refused = admin.post("/v1/api-keys", json=body)

    assert refused.json()["type"] == "/problems/key-lifetime-refused"
    assert admin.post("/v1/api-keys", json=endless).status_code == 422


def test_its_use_is_written_down_every_few_minutes(
    admin: Client, anyone: Client, session: Session
) -> None:
    """Not at every request, which would lock the row each time."""
    made = make(admin)
    key = session.get_one(ApiKey, made["id"])

    def used_at() -> Any:
        listings(anyone, made)
        session.refresh(key)
        return key.last_used_at

    unused = key.last_used_at
    first, second = used_at(), used_at()
    key.last_used_at = first - NOTED_EVERY
    session.commit()
    third = used_at()

    assert unused is None
    assert first == second
    assert third > first


def test_keys_cannot_be_guessed_from_what_is_shown(admin: Client, anyone: Client) -> None:
    """Brute force: the beginning, a change of any one letter, another kind's name, or none."""
    made = make(admin)
    secret, prefix = made["secret"], made["prefix"]
    guesses = [prefix, prefix + "A" * 35, secret[:-1], secret + "A", secret.swapcase()]
    guesses += [
        secret[:i] + ("B" if secret[i] == "A" else "A") + secret[i + 1 :] for i in range(4, 47)
    ]
    guesses += ["gsd_" + secret[4:], "gsa_" + secret[4:], secret[4:], made["id"]]

    told = [with_token(anyone, guess).get("/v1/listings") for guess in guesses]

    assert len({len(make(admin)["secret"]) for _ in range(3)} | {len(secret)}) == 1
    assert {answer.status_code for answer in told} == {401}
    assert len({answer.json()["detail"] for answer in told}) == 1


def test_keys_cannot_be_enumerated(admin: Client, session: Session) -> None:
    """Another organisation's id is answered like one that nobody has, by every route."""
    key, _secret = make_api_key(session, make_organisation(session, "dorset"))
    session.commit()

    def told(id_: object) -> list[tuple[int, str]]:
        answers = [
            admin.post(f"/v1/api-keys/{id_}/rotation", json={}),
            admin.delete(f"/v1/api-keys/{id_}"),
        ]
        return [(answer.status_code, answer.json()["detail"]) for answer in answers]

    assert told(key.id) == told(uuid4())
    assert {status for status, _detail in told(key.id)} == {404}
    assert admin.get("/v1/api-keys").json()["items"] == []
