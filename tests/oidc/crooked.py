"""A provider that does what no provider should, over real connections."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import RSAKey
from typing_extensions import override

from geoservices.oidc.pending import PendingSignIn
from tests.oidc.identity import CLIENT_ID, make_key

Reply = tuple[int, Mapping[str, str], bytes]
DISCOVERY = "/.well-known/openid-configuration"


def as_json(told: object, status: int = 200) -> Reply:
    """A reply of JSON."""
    return status, {"Content-Type": "application/json"}, json.dumps(told).encode()


@dataclass(slots=True)
class Crooked:
    """Answers rightly whatever it was not told to answer wrongly."""

    issuer: str = ""
    key: RSAKey = field(default_factory=make_key)
    id_token: str = ""
    replies: dict[str, Callable[[], Reply]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def discovery(self, **changes: Any) -> dict[str, Any]:
        """Its discovery document; a member that is None is left out."""
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
            **changes,
        }
        return {name: one for name, one in told.items() if one is not None}

    def claims(self, begun: PendingSignIn, **changes: Any) -> dict[str, Any]:
        """What a good ID token says; a claim that is None is left out."""
        now = int(time.time())
        told = {
            "iss": self.issuer,
            "sub": "anna",
            "aud": CLIENT_ID,
            "exp": now + 300,
            "iat": now,
            "nonce": begun.nonce,
            "groups": ["council-staff"],
            **changes,
        }
        return {name: one for name, one in told.items() if one is not None}

    def sign(self, claims: Mapping[str, Any], **header: str) -> str:
        """Sign a token with its own key."""
        head = {"alg": "RS256", "kid": str(self.key.kid), **header}
        return jwt.encode(head, dict(claims), self.key)

    def reply(self, path: str) -> Reply:
        """Answer a request."""
        self.asked.append(path)
        usual: dict[str, Callable[[], Reply]] = {
            DISCOVERY: lambda: as_json(self.discovery()),
            "/jwks": lambda: as_json({"keys": [self.key.as_dict(private=False)]}),
            "/token": lambda: as_json(
                {"access_token": uuid4().hex, "token_type": "Bearer", "id_token": self.id_token}
            ),
        }
        return {**usual, **self.replies}[path]()


@contextmanager
def crooked() -> Iterator[Crooked]:
    """Run one."""
    provider = Crooked()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = provider.reply(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                # Whoever asked has heard enough.
                self.close_connection = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield provider
    server.shutdown()
    server.server_close()
    thread.join()
