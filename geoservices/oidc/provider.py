"""An identity provider as it is spoken to: where to send browsers, and what it says of them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from urllib.parse import quote_plus, urlencode

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client
from joserfc.jwk import Key, KeySet

from geoservices import clock
from geoservices.fetching import Answer
from geoservices.oidc import claims as reading
from geoservices.oidc import tokens
from geoservices.oidc.fetching import FORM, OK, Fetcher
from geoservices.oidc.pending import PendingSignIn
from geoservices.oidc.refusals import ProviderUnavailable, TokenRefused
from geoservices.oidc.remembering import Remembered
from geoservices.settings.entering import OidcSettings
from geoservices.settings.providers import ProviderSettings

DISCOVERY: Final = "/.well-known/openid-configuration"
BASIC: Final = "client_secret_basic"
POST: Final = "client_secret_post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What of a provider's discovery document is used (OpenID Connect Discovery 1.0 section 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    says_issuer: bool
    """Whether it names itself whenever it sends a browser back (RFC 9207)."""
    client_auth: str
    algorithms: frozenset[str]


class Provider:
    """One identity provider; made once in each process, used by its threads together."""

    def __init__(
        self, settings: OidcSettings, provider: ProviderSettings, *, public_url: str
    ) -> None:
        self.settings = provider
        self.callback = f"{public_url}/v1/oidc/{provider.slug}/callback"
        self._fetcher = Fetcher(settings, provider)
        self._metadata = Remembered(self._discover, now=clock.now)
        self._keys = Remembered(self._fetch_keys, now=clock.now)

    def address_for(self, begun: PendingSignIn) -> str:
        """Return where a browser that signs in is sent.

        Raises:
            ProviderUnavailable: The provider does not tell.
        """
        address, _state = self._client().create_authorization_url(
            self._metadata.get().authorization_endpoint,
            state=begun.state,
            code_verifier=begun.verifier,
            nonce=begun.nonce,
        )
        return address

    def end_address(self, *, return_to: str) -> str | None:
        """Return where a browser ends its session with the provider, if it can.

        Raises:
            ProviderUnavailable: The provider does not tell.
        """
        endpoint = self._metadata.get().end_session_endpoint
        told = {"client_id": self.settings.client_id, "post_logout_redirect_uri": return_to}
        return None if endpoint is None else add_params_to_uri(endpoint, list(told.items()))

    def check_issuer(self, told: str | None) -> None:
        """Make sure that it was this provider that sent the browser back (RFC 9207 section 2.4).

        Raises:
            TokenRefused: It was another one, or one that should say so and does not.
            ProviderUnavailable: The provider does not tell whether it says so.
        """
        missing = told is None and self._metadata.get().says_issuer
        if missing or told not in {None, self.settings.issuer}:
            raise TokenRefused("other-issuer")

    def redeem(self, begun: PendingSignIn, code: str, *, at: datetime) -> reading.Claims:
        """Return the claims of whoever the provider sent back with a code.

        Where the ID token lacks the claim with the roles, the provider is asked for it.

        Raises:
            TokenRefused: The provider does not take the code, or its ID token does not hold.
            ProviderUnavailable: It does not answer.
        """
        metadata = self._metadata.get()
        try:
            told = self._client().fetch_token(
                metadata.token_endpoint, code=code, code_verifier=begun.verifier
            )
        except OAuth2Error as error:
            raise TokenRefused(_word(error)) from error
        except ValueError as error:
            raise ProviderUnavailable("answer-unreadable") from error
        id_token, access_token = told.get("id_token"), told.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise TokenRefused("no-id-token")
        claims = tokens.read_id_token(
            id_token,
            self._key_of(id_token),
            self._expected(),
            nonce=begun.nonce,
            access_token=access_token,
            at=at,
        )
        return self._completed(claims, metadata, access_token)

    def read_logout_token(self, text: str, *, at: datetime) -> tokens.Logout:
        """Return whom the provider signs out.

        Raises:
            TokenRefused: This is no logout token of this provider's.
            ProviderUnavailable: It does not tell its keys.
        """
        return tokens.read_logout_token(text, self._key_of(text), self._expected(), at=at)

    def _completed(
        self, claims: dict[str, Any], metadata: Metadata, access_token: str
    ) -> reading.Claims:
        endpoint = metadata.userinfo_endpoint
        if endpoint is None or reading.tells(claims, self.settings.roles_claim):
            return claims
        answer = self._fetcher.fetch(endpoint, headers=[f"Authorization: Bearer {access_token}"])
        told = _document(answer)
        # OpenID Connect Core 1.0 section 5.3.2: else somebody else's could be put in its place.
        if told.get("sub") != claims["sub"]:
            raise TokenRefused("other-subject")
        return {**told, **claims}

    def _key_of(self, text: str) -> Key:
        """Return the key that signed a token; the provider may have a new one since yesterday."""
        key = tokens.key_of(text, self._keys.get())
        if key is None:
            key = tokens.key_of(text, self._keys.renew())
        if key is None:
            raise TokenRefused("unknown-key")
        return key

    def _expected(self) -> tokens.Expected:
        return tokens.Expected(
            issuer=self.settings.issuer,
            client_id=self.settings.client_id,
            algorithms=self._metadata.get().algorithms,
        )

    def _client(self) -> OAuth2Client:
        by_post = self._metadata.get().client_auth == POST
        secret = self.settings.client_secret.get_secret_value()
        return OAuth2Client(
            _Session(self._fetcher),
            client_id=self.settings.client_id,
            client_secret=secret,
            token_endpoint_auth_method=POST if by_post else _basic,
            scope=" ".join(self.settings.scopes),
            redirect_uri=self.callback,
            code_challenge_method="S256",
        )

    def _discover(self) -> Metadata:
        told = _document(self._fetcher.fetch(self.settings.issuer.rstrip("/") + DISCOVERY))
        # OpenID Connect Discovery 1.0 section 4.3: else one provider could speak for another.
        if told.get("issuer") != self.settings.issuer:
            raise ProviderUnavailable("other-issuer")
        signed_by = _listed(told, "id_token_signing_alg_values_supported", default="RS256")
        ways = _listed(told, "token_endpoint_auth_methods_supported", default=BASIC)
        algorithms = signed_by & tokens.ALGORITHMS
        if not algorithms:
            raise ProviderUnavailable("no-algorithm")
        return Metadata(
            authorization_endpoint=self._endpoint(told, "authorization_endpoint"),
            token_endpoint=self._endpoint(told, "token_endpoint"),
            jwks_uri=self._endpoint(told, "jwks_uri"),
            userinfo_endpoint=self._optional(told, "userinfo_endpoint"),
            end_session_endpoint=self._optional(told, "end_session_endpoint"),
            says_issuer=told.get("authorization_response_iss_parameter_supported") is True,
            client_auth=POST if POST in ways and BASIC not in ways else BASIC,
            algorithms=algorithms,
        )

    def _fetch_keys(self) -> KeySet:
        return tokens.read_keys(_document(self._fetcher.fetch(self._metadata.get().jwks_uri)))

    def _endpoint(self, told: Mapping[str, Any], name: str) -> str:
        found = self._optional(told, name)
        if found is None:
            raise ProviderUnavailable("endpoint-missing")
        return found

    def _optional(self, told: Mapping[str, Any], name: str) -> str | None:
        found = told.get(name)
        if found is not None and not (isinstance(found, str) and self._fetcher.allows(found)):
            raise ProviderUnavailable("endpoint-refused")
        return found


class _Response:
    """An answer as Authlib reads it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.status_code = answer.status

    def json(self) -> object:
        """Return the body's JSON.

        Raises:
            ValueError: It is none.
        """
        return json.loads(self._answer.body)

    def raise_for_status(self) -> None:
        """Say that the provider failed, where it does.

        Raises:
            ProviderUnavailable: It does.
        """
        if self.status_code != OK:
            raise ProviderUnavailable(f"status-{self.status_code}")


class _Signs(Protocol):
    """What Authlib has a client show who it is with."""

    def prepare(
        self, method: str, uri: str, headers: dict[str, str], body: str
    ) -> tuple[str, dict[str, str], str]:
        """Return address, headers and body with that in them."""
        ...


class _Session:
    """What Authlib posts with: by our own way out, and by no other."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def post(
        self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str], auth: _Signs
    ) -> _Response:
        """Post a form that the client signs for."""
        address, signed, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        lines = [FORM, *(f"{name}: {told}" for name, told in signed.items() if name in _SENT)]
        return _Response(self._fetcher.fetch(address, form=body, headers=lines))


def _word(error: OAuth2Error) -> str:
    """Return the word with which a provider refuses a code (RFC 6749 section 5.2)."""
    word = str(error.error)
    return word if _WORD.fullmatch(word) else "code-refused"


_WORD: Final = re.compile("[a-z_]{1,40}")
_SENT: Final = frozenset({"Authorization"})


def _basic(
    auth: ClientAuth, method: str, uri: str, headers: dict[str, str], body: str
) -> tuple[str, dict[str, str], str]:
    """Sign as RFC 6749 section 2.3.1 asks: each half is encoded as in a form beforehand."""
    name, secret = quote_plus(auth.client_id), quote_plus(auth.client_secret)
    quoted: _Signs = ClientAuth(name, secret, BASIC)
    return quoted.prepare(method, uri, headers, body)


def _listed(told: Mapping[str, Any], name: str, *, default: str) -> frozenset[str]:
    """Return the texts that a member lists, or the default alone where it is no list."""
    listed = told.get(name)
    texts = listed if isinstance(listed, list) else [default]
    return frozenset(text for text in texts if isinstance(text, str))


def _document(answer: Answer) -> dict[str, Any]:
    """Return the object of an answer.

    Raises:
        ProviderUnavailable: There is none.
    """
    if answer.status != OK:
        raise ProviderUnavailable(f"status-{answer.status}")
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise ProviderUnavailable("answer-unreadable") from error
    if not isinstance(told, dict):
        raise ProviderUnavailable("answer-unreadable")
    return told
