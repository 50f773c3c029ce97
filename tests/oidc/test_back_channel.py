"""Logout tokens that a provider posts, good ones and others (Back-Channel Logout 1.0)."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Client, Response

from geoservices.oidc.tokens import LOGOUT_EVENT
from tests.oidc.conftest import Site
from tests.oidc.identity import IdentityProvider, make_key, sign_in


@pytest.fixture
def signed_in(site: Site, browse: Callable[[], Client]) -> Site:
    """Anna, twice, each time in another session of the provider's."""
    for _ in range(2):
        sign_in(browse(), site.url, "anna")
    return site


def post(site: Site, token: str, *, slug: str = "devon") -> Response:
    """Post a logout token as a provider does."""
    with Client(timeout=60) as client:
        return client.post(f"{site.url}/v1/oidc/{slug}/logout", data={"logout_token": token})


def test_a_session_or_everything_of_a_subject_is_ended(
    signed_in: Site, identity: IdentityProvider
) -> None:
    """By `sid` one sign-in, by `sub` all that are left, then none; unknown ones are well too."""
    first, second = signed_in.sign_ins()

    by_session = post(signed_in, identity.logout_token(sid=first.provider_session))
    after = signed_in.holding()
    by_subject = post(signed_in, identity.logout_token(sub="anna"))
    again = post(signed_in, identity.logout_token(sub="anna"))
    unknown = post(signed_in, identity.logout_token(sid="unknown"))

    answers = (by_session, by_subject, again, unknown)
    assert [answer.json() for answer in answers] == [
        {"ended": 1},
        {"ended": 1},
        {"ended": 0},
        {"ended": 0},
    ]
    assert after == {second.id}
    assert signed_in.holding() == set()
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


def test_a_session_of_another_subject_is_not_ended(
    signed_in: Site, identity: IdentityProvider
) -> None:
    """Where both are named, both must fit."""
    first, _second = signed_in.sign_ins()

    answer = post(signed_in, identity.logout_token(sub="ben", sid=first.provider_session))

    assert answer.json() == {"ended": 0}
    assert len(signed_in.holding()) == 2


def test_a_logout_token_counts_once(
    signed_in: Site, identity: IdentityProvider, browse: Callable[[], Client]
) -> None:
    """Whoever saw one cannot sign anybody out with it later."""
    token = identity.logout_token(sub="anna")
    first = post(signed_in, token)
    sign_in(browse(), signed_in.url, "anna")
    again = post(signed_in, token)

    assert (first.status_code, again.status_code) == (200, 400)
    assert again.json()["type"] == "/problems/logout-token-refused"
    assert len(signed_in.holding()) == 1


NOW = int(time.time())
FORGED: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://elsewhere.example"},
    "another audience": {"aud": "another"},
    "expired": {"exp": 1_700_000_000, "iat": 1_699_999_000},
    "never expires": {"exp": None},
    "lasts for ever": {"exp": NOW + 10_000_000},
    "from the future": {"iat": NOW + 10_000},
    "never made": {"iat": None},
    "without an id": {"jti": None},
    "no event": {"events": None},
    "another event": {"events": {"https://elsewhere.example": {}}},
    "no object of an event": {"events": {LOGOUT_EVENT: None}},
    "with a nonce": {"nonce": "any"},
    "of nobody": {"sub": None},
    "of an object": {"sub": {"a": 1}},
    "of a session that is none": {"sid": ["a"]},
    "of a session without end": {"sid": "x" * 301},
    "an ID token by its type": {"header": {"typ": "at+jwt"}},
}


def test_a_forged_logout_token_signs_nobody_out(
    signed_in: Site, identity: IdentityProvider
) -> None:
    """Whatever is wrong with it; and nothing is told about what."""
    answers = {
        wrong: post(signed_in, identity.logout_token(**{"sub": "anna", **changes}))
        for wrong, changes in FORGED.items()
    }

    assert [wrong for wrong, answer in answers.items() if answer.status_code != 400] == []
    assert len({answer.json()["detail"] for answer in answers.values()}) == 1
    assert len(signed_in.holding()) == 2


def test_what_is_no_logout_token_signs_nobody_out(
    signed_in: Site, identity: IdentityProvider
) -> None:
    """Signed by another, unsigned, made up, twice, elsewhere, or no form at all."""
    good = identity.logout_token(sub="anna")
    head, body, _seal = good.split(".")
    stranger = IdentityProvider(identity.port, identity.folder, identity.site, keys=[make_key()])
    url = f"{signed_in.url}/v1/oidc/devon/logout"

    with Client(timeout=60) as client:
        answers = [
            post(signed_in, stranger.logout_token(sub="anna")),
            post(signed_in, f"{head}.{body}."),
            post(signed_in, "made-up"),
            client.post(url, data={"logout_token": [good, good]}),
            client.post(url, data={"token": good}),
            client.post(url, json={"logout_token": good}),
            client.post(url, content=b"\xff", headers={"Content-Type": FORM}),
        ]
        elsewhere = [
            post(signed_in, good, slug="dorset"),
            client.post(url, content=b"x" * 70_000, headers={"Content-Type": FORM}),
            client.get(url, params={"logout_token": good}),
        ]

    assert [answer.status_code for answer in answers] == [400] * len(answers)
    assert [answer.status_code for answer in elsewhere] == [415, 413, 405]
    assert len(signed_in.holding()) == 2
    assert post(signed_in, good).json() == {"ended": 2}


def test_no_other_sign_in_is_ended(signed_in: Site, identity: IdentityProvider) -> None:
    """What came from a password, or was made for a program, is not the provider's."""
    first, second = signed_in.sign_ins()
    with signed_in.sessions() as rows, rows.begin():
        rows.get_one(type(first), first.id).kind = "token"

    post(signed_in, identity.logout_token(sub="anna", jti=uuid4().hex))

    assert signed_in.holding() == {first.id}
    assert second.id != first.id


FORM = "application/x-www-form-urlencoded"
