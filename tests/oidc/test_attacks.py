"""Answers that prove nothing, each over a real connection from a provider that is not well."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from geoservices.fetching import AT_ONCE
from geoservices.oidc import pending
from geoservices.oidc.pending import PendingSignIn
from geoservices.oidc.provider import Provider
from geoservices.oidc.refusals import ProviderUnavailable, TokenRefused
from geoservices.oidc.tokens import LOGOUT_EVENT
from geoservices.settings.entering import OidcSettings
from tests.api.asking import now
from tests.oidc.conftest import settings_for
from tests.oidc.crooked import DISCOVERY, Crooked, Reply, as_json, crooked
from tests.oidc.identity import CLIENT_ID, make_key

TIMEOUT = timedelta(seconds=2)
Forge = Callable[[Crooked, PendingSignIn], str]


@pytest.fixture
def other() -> Iterator[Crooked]:
    """The provider at the other end."""
    with crooked() as provider:
        yield provider


@pytest.fixture
def begun() -> PendingSignIn:
    """A sign-in under way."""
    return pending.begin("devon", return_to="/", at=now())


def provider_for(other: Crooked, **changes: Any) -> Provider:
    """The provider as the service speaks to it."""
    settings = OidcSettings(
        **{"providers": (settings_for(other.issuer),), "allow_loopback": True, "timeout": TIMEOUT}
        | changes
    )
    return Provider(settings, settings.providers[0], public_url="http://127.0.0.1:8080")


def redeem(other: Crooked, begun: PendingSignIn) -> Any:
    """Come back with a code."""
    return provider_for(other).redeem(begun, "a code", at=now())


def by_claims(**changes: Any) -> Forge:
    """A token that is signed rightly, and says something else."""
    return lambda other, begun: other.sign(other.claims(begun, **changes))


def unsigned(other: Crooked, begun: PendingSignIn) -> str:
    """RFC 8725 section 2.1."""
    head = {"alg": "none", "kid": str(other.key.kid)}
    return ".".join([_base64(head), _base64(other.claims(begun)), ""])


def signed_with_the_public_key(other: Crooked, begun: PendingSignIn) -> str:
    """RFC 8725 section 2.1: everybody knows the public key, so everybody could have."""
    head = {"alg": "HS256", "kid": str(other.key.kid)}
    told = f"{_base64(head)}.{_base64(other.claims(begun))}"
    seal = hmac.digest(other.key.as_pem(private=False), told.encode(), hashlib.sha256)
    return f"{told}.{base64.urlsafe_b64encode(seal).rstrip(b'=').decode()}"


def signed_by_another(other: Crooked, begun: PendingSignIn) -> str:
    """With a key that is called as the provider's."""
    key = RSAKey.generate_key(2048, {"kid": str(other.key.kid)})
    return jwt.encode({"alg": "RS256", "kid": str(other.key.kid)}, other.claims(begun), key)


def signed_by_nobody_known(other: Crooked, begun: PendingSignIn) -> str:
    """With a key that the provider does not have."""
    key = make_key()
    return jwt.encode({"alg": "RS256", "kid": str(key.kid)}, other.claims(begun), key)


def with_its_own_key(other: Crooked, begun: PendingSignIn) -> str:
    """RFC 8725 section 3.10: the header brings a key along."""
    key = make_key()
    head = {"alg": "RS256", "kid": str(other.key.kid), "jwk": key.as_dict(private=False)}
    return jwt.encode(head, other.claims(begun), key)


def a_logout_token(other: Crooked, begun: PendingSignIn) -> str:
    """OpenID Connect Back-Channel Logout 1.0 section 4.1, by its type."""
    return other.sign(other.claims(begun), typ="logout+jwt")


def changed_afterwards(other: Crooked, begun: PendingSignIn) -> str:
    """The signature of another content."""
    head, _body, seal = other.sign(other.claims(begun)).split(".")
    return f"{head}.{_base64(other.claims(begun, sub='ben'))}.{seal}"


def _base64(told: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


FORGED: dict[str, tuple[Forge, str]] = {
    "another nonce": (by_claims(nonce="another"), "invalid_claim:nonce"),
    "no nonce": (by_claims(nonce=None), "missing_claim:nonce"),
    "another audience": (by_claims(aud="another"), "invalid_claim:aud"),
    "audiences and not whose": (by_claims(aud=[CLIENT_ID, "another"]), "missing_claim:azp"),
    "another's, for us as well": (
        by_claims(aud=[CLIENT_ID, "another"], azp="another"),
        "invalid_claim:azp",
    ),
    "another issuer": (by_claims(iss="https://elsewhere.example"), "invalid_claim:iss"),
    "no issuer": (by_claims(iss=None), "missing_claim:iss"),
    "expired": (by_claims(exp=1_700_000_000), "expired_token:exp"),
    "never expires": (by_claims(exp=None), "missing_claim:exp"),
    "expires some day": (by_claims(exp="tomorrow"), "invalid_claim:exp"),
    "from the future": (by_claims(iat=4_000_000_000), "invalid_claim:iat"),
    "of nobody": (by_claims(sub=None), "missing_claim:sub"),
    "of nothing": (by_claims(sub=""), "invalid_claim:sub"),
    "of a number": (by_claims(sub=7), "invalid_claim:sub"),
    "of a novel": (by_claims(sub="x" * 256), "subject-too-long"),
    "for another access token": (by_claims(at_hash="another"), "invalid_claim:at_hash"),
    "unsigned": (unsigned, "unsupported_algorithm"),
    "signed with the public key": (signed_with_the_public_key, "unsupported_algorithm"),
    "signed by another": (signed_by_another, "bad_signature"),
    "signed by nobody known": (signed_by_nobody_known, "unknown-key"),
    "with its own key": (with_its_own_key, "bad_signature"),
    "a logout token": (a_logout_token, "not-an-id-token"),
    "changed afterwards": (changed_afterwards, "bad_signature"),
    "no token": (lambda _other, _begun: "no token", "unreadable"),
    "nothing": (lambda _other, _begun: "", "unreadable"),
    "too long": (
        lambda other, begun: other.sign(other.claims(begun, more="x" * 60_000)),
        "too-long",
    ),
}


def test_what_is_well_is_taken(other: Crooked, begun: PendingSignIn) -> None:
    """Else the refusals below would prove nothing; a clock may be half a minute off."""
    other.id_token = other.sign(
        other.claims(begun, exp=int(time.time()) - 30, iat=int(time.time()) + 30)
    )

    assert redeem(other, begun)["groups"] == ["council-staff"]


@pytest.mark.parametrize(("forge", "reason"), FORGED.values(), ids=FORGED)
def test_a_forged_id_token_lets_nobody_in(
    other: Crooked, begun: PendingSignIn, forge: Forge, reason: str
) -> None:
    """Whatever is wrong with it, and for that reason."""
    other.id_token = forge(other, begun)

    with pytest.raises(TokenRefused) as refused:
        redeem(other, begun)

    assert refused.value.reason == reason


def test_other_keys_of_a_provider_do_no_harm(other: Crooked, begun: PendingSignIn) -> None:
    """What is not understood, is secret or is for encryption is passed over."""
    odd: list[Any] = [
        {"kty": "new", "kid": "new"},
        {"kty": "RSA", "kid": "broken"},
        "no key",
        OctKey.import_key("secret" * 8).as_dict() | {"kid": "shared"},
        ECKey.generate_key("P-256").as_dict(private=False) | {"use": "enc"},
        other.key.as_dict(private=False),
    ]
    other.replies["/jwks"] = lambda: as_json({"keys": odd})
    other.id_token = other.sign(other.claims(begun))

    assert redeem(other, begun)["sub"] == "anna"


def test_a_shared_key_of_the_keys_signs_nothing(other: Crooked, begun: PendingSignIn) -> None:
    """A symmetric key that a provider publishes by mistake is everybody's."""
    key = OctKey.generate_key(256, {"kid": "shared"})
    other.replies["/jwks"] = lambda: as_json({"keys": [key.as_dict(private=True)]})
    other.id_token = jwt.encode({"alg": "HS256", "kid": "shared"}, other.claims(begun), key)

    with pytest.raises(TokenRefused):
        redeem(other, begun)


def test_an_unknown_key_makes_nobody_ask_again_and_again(
    other: Crooked, begun: PendingSignIn
) -> None:
    """Whoever posts made-up tokens cannot have us call the provider as often as they like."""
    provider = provider_for(other)
    other.id_token = signed_by_nobody_known(other, begun)
    for _ in range(5):
        with pytest.raises(TokenRefused):
            provider.redeem(begun, "a code", at=now())

    assert other.asked.count("/jwks") == 1
    assert other.asked.count(DISCOVERY) == 1


def test_claims_of_somebody_else_are_not_added(other: Crooked, begun: PendingSignIn) -> None:
    """What the provider says of another subject makes nobody a manager."""
    other.replies[DISCOVERY] = lambda: as_json(
        other.discovery(userinfo_endpoint=f"{other.issuer}/userinfo")
    )
    other.replies["/userinfo"] = lambda: as_json({"sub": "ben", "groups": ["council-managers"]})
    other.id_token = other.sign(other.claims(begun, groups=None))

    with pytest.raises(TokenRefused) as refused:
        redeem(other, begun)
    assert refused.value.reason == "other-subject"


def slow() -> Reply:
    """Answer after longer than anybody waits."""
    time.sleep(TIMEOUT.total_seconds() * 1.5)
    return as_json({})


def endless() -> Reply:
    """Answer with more than anybody reads."""
    return 200, {}, b" " * 2_000_000


def away_with_you() -> Reply:
    """Send whoever asks to where only this machine may ask."""
    return 302, {"Location": "http://127.0.0.1:9/latest/meta-data"}, b""


UNWELL: dict[str, tuple[Callable[[], Reply], str]] = {
    "slow": (slow, "timeout"),
    "endless": (endless, "answer-too-long"),
    "a long head": (lambda: (200, {f"X-{n}": "x" * 900 for n in range(90)}, b"{}"), ""),
    "a redirect": (away_with_you, "status-302"),
    "broken": (lambda: as_json({}, 500), "status-500"),
    "no JSON": (lambda: (200, {}, b"<html>"), "answer-unreadable"),
    "deep JSON": (lambda: (200, {}, b"[" * 100_000), "answer-unreadable"),
    "no object": (lambda: as_json([1]), "answer-unreadable"),
}


@pytest.mark.parametrize("path", [DISCOVERY, "/jwks"])
@pytest.mark.parametrize(("reply", "reason"), UNWELL.values(), ids=UNWELL)
def test_a_provider_that_is_unwell_holds_nobody_up(
    other: Crooked, begun: PendingSignIn, path: str, reply: Callable[[], Reply], reason: str
) -> None:
    """It is unavailable, in time, and left alone for a while."""
    other.replies[path] = reply
    other.id_token = other.sign(other.claims(begun))
    provider = provider_for(other)
    started = time.monotonic()
    with pytest.raises(ProviderUnavailable) as first:
        provider.redeem(begun, "a code", at=now())
    taken = time.monotonic() - started
    with pytest.raises(ProviderUnavailable) as again:
        provider.redeem(begun, "a code", at=now())

    assert taken < TIMEOUT.total_seconds() * 2 + 10
    assert reason in first.value.reason
    assert again.value.reason == first.value.reason
    assert other.asked.count(path) == 1


def test_a_provider_that_hangs_takes_few_threads(other: Crooked, begun: PendingSignIn) -> None:
    """Whoever comes while many wait for it is told so at once."""
    provider = provider_for(other)
    provider.address_for(begun)
    other.replies["/token"] = slow

    def come(_number: int) -> str:
        with pytest.raises(ProviderUnavailable) as refused:
            provider.redeem(begun, "a code", at=now())
        return refused.value.reason

    with ThreadPoolExecutor(AT_ONCE + 4) as threads:
        reasons = sorted(threads.map(come, range(AT_ONCE + 4)))

    assert reasons == ["busy"] * 4 + ["timeout"] * AT_ONCE


@pytest.mark.parametrize(
    ("reply", "refusal"),
    [
        (slow, ProviderUnavailable),
        (endless, ProviderUnavailable),
        (away_with_you, ProviderUnavailable),
        (lambda: as_json({}, 503), ProviderUnavailable),
        (lambda: as_json({"error": "invalid_grant"}, 400), TokenRefused),
        (lambda: as_json({"access_token": "x", "token_type": "Bearer"}), TokenRefused),
        (lambda: as_json({"error": {"a": 1}}, 400), TokenRefused),
    ],
)
def test_a_code_that_is_not_redeemed_lets_nobody_in(
    other: Crooked,
    begun: PendingSignIn,
    reply: Callable[[], Reply],
    refusal: type[ProviderUnavailable | TokenRefused],
) -> None:
    """Whatever the provider says in its place."""
    other.replies["/token"] = reply

    with pytest.raises(refusal):
        redeem(other, begun)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://elsewhere.example"},
        {"issuer": None},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"token_endpoint": "https://user:word@elsewhere.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": 7},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
        {"end_session_endpoint": "//elsewhere.example"},
    ],
)
def test_a_document_that_leads_elsewhere_is_not_believed(
    other: Crooked, begun: PendingSignIn, changes: dict[str, Any]
) -> None:
    """OpenID Connect Discovery 1.0 section 4.3, and only addresses that may be called."""
    other.replies[DISCOVERY] = lambda: as_json(other.discovery(**changes))

    with pytest.raises(ProviderUnavailable):
        provider_for(other).address_for(begun)


def test_the_machine_and_its_network_are_out_of_reach(other: Crooked, begun: PendingSignIn) -> None:
    """Unless the settings say so: nothing of ours is asked, and loopback never in production."""
    with pytest.raises(ProviderUnavailable) as by_http:
        _production(other).address_for(begun)

    assert by_http.value.reason == "address-refused"
    assert other.asked == []


def _production(other: Crooked) -> Provider:
    own = settings_for(other.issuer.replace("http://", "https://"), allow_private=True)
    return Provider(OidcSettings(providers=(own,)), own, public_url="https://geo.devon.example")


def test_a_logout_token_is_no_id_token(other: Crooked, begun: PendingSignIn) -> None:
    """Nor the other way round: an ID token signs nobody out."""
    provider = provider_for(other)
    with pytest.raises(TokenRefused):
        provider.read_logout_token(other.sign(other.claims(begun)), at=now())
    with pytest.raises(TokenRefused):
        provider.read_logout_token(
            other.sign(other.claims(begun, events={LOGOUT_EVENT: {}}, jti="1")),
            at=now(),
        )
