"""The push service on loopback is strict, keeps what it promised, and misbehaves on request."""

import json
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import jwt

from geoservices import clock
from geoservices.push.encryption import encrypt
from local.browser import NO_TLS
from local.pushrules import Refused, check_body, check_vapid, decode, encode
from local.pushservice import serving

VECTORS = json.loads(Path("tests/data/webpush/rfc-vectors.json").read_text(encoding="utf-8"))
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
HOUR = timedelta(hours=1)


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public point of a key."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


BODY = encrypt(b"Hello", p256dh=point_of(OTHER_KEY), auth=bytes(16))


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    """A client of a push service that lives as long as the module."""
    with (
        serving() as address,
        httpx2.Client(base_url=address.url, trust_env=False, verify=NO_TLS) as client,
    ):
        yield client


@pytest.fixture
def token(client: httpx2.Client) -> str:
    """A subscription bound to KEY."""
    answer = client.post("/subscribe", json={"applicationServerKey": encode(point_of(KEY))})
    assert answer.status_code == 201
    return str(answer.json()["token"])


def sign(
    client: httpx2.Client,
    *,
    by: ec.EllipticCurvePrivateKey = KEY,
    shown: ec.EllipticCurvePrivateKey | None = None,
    claims: Mapping[str, object] | None = None,
) -> str:
    """Make an Authorization header, sound unless told otherwise."""
    sound = {
        "aud": str(client.base_url).rstrip("/"),
        "exp": int((clock.now() + 12 * HOUR).timestamp()),
        "sub": "mailto:a@b.example",
    }
    made = jwt.sign({**sound, **(claims or {})}, by)
    return f"vapid t={made}, k={encode(point_of(shown or by))}"


def post(
    client: httpx2.Client,
    token: str,
    *,
    body: bytes = BODY,
    authorization: str | None = "",
    **headers: str | None,
) -> httpx2.Response:
    """Post a sound message, apart from what is given; None leaves a header away."""
    sound: dict[str, str | None] = {
        "TTL": "60",
        "Content-Encoding": "aes128gcm",
        "Authorization": sign(client) if authorization == "" else authorization,
    }
    given = {**sound, **{name.replace("_", "-"): value for name, value in headers.items()}}
    sent = {name: value for name, value in given.items() if value is not None}
    return client.post(f"/push/{token}", content=body, headers=sent)


def waiting(client: httpx2.Client, token: str, *, wait_s: float = 0) -> list[dict[str, Any]]:
    """Return the messages kept for a subscription, leaving them there."""
    answer = client.get(f"/subscriptions/{token}/messages", params={"wait": wait_s})
    messages: list[dict[str, Any]] = answer.raise_for_status().json()
    return messages


def test_a_sound_message_is_kept_until_it_is_acknowledged(
    client: httpx2.Client, token: str
) -> None:
    """201 with Location and TTL; the Location is what the browser deletes (RFC 8030 6.2)."""
    answer = post(client, token, TTL="90", Urgency="high", Topic="abc")

    assert (answer.status_code, answer.headers["TTL"]) == (201, "90")
    [message] = waiting(client, token)
    assert waiting(client, token) == [message]
    assert decode(message["body"]) == BODY
    assert message["topic"] == "abc"
    assert message["headers"] == {"Content-Encoding": "aes128gcm", "TTL": "90", "Urgency": "high"}
    assert client.delete(answer.headers["Location"]).status_code == 204
    assert waiting(client, token) == []
    assert client.delete(answer.headers["Location"]).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"TTL": None}, 400, id="no TTL"),
        pytest.param({"TTL": "soon"}, 400, id="TTL that is no number"),
        pytest.param({"TTL": "-1"}, 400, id="negative TTL"),
        pytest.param({"TTL": "1.5"}, 400, id="fractional TTL"),
        pytest.param({"Urgency": "urgent"}, 400, id="unknown urgency"),
        pytest.param({"Urgency": "low, high"}, 400, id="two urgencies"),
        pytest.param({"Topic": "x" * 33}, 400, id="long topic"),
        pytest.param({"Topic": "a b"}, 400, id="topic with a blank"),
        pytest.param({"Topic": ""}, 400, id="empty topic"),
        pytest.param({"Content_Encoding": None}, 400, id="no encoding"),
        pytest.param({"Content_Encoding": "aesgcm"}, 400, id="the old encoding"),
        pytest.param({"authorization": None}, 401, id="unsigned"),
        pytest.param({"authorization": "Basic bWU6c2VjcmV0"}, 401, id="another scheme"),
        pytest.param({"authorization": "vapid t=a.b.c"}, 401, id="no key"),
        pytest.param({"authorization": "vapid t=a.b.c, k=!"}, 401, id="key that is none"),
        pytest.param(
            {"authorization": f"vapid t=abc, k={encode(point_of(KEY))}"}, 401, id="no JWT"
        ),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused(
    client: httpx2.Client, token: str, headers: dict[str, str | None], status: int
) -> None:
    """And nothing is kept of it."""
    answer = post(client, token, **headers)  # type: ignore[arg-type]

    assert answer.status_code == status
    assert answer.json()["reason"]
    assert waiting(client, token) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="empty"),
        pytest.param(BODY[:100], 400, id="cut off"),
        pytest.param(BODY[:20] + b"\x00" + BODY[21:], 400, id="no key id"),
        pytest.param(BODY[:22] + bytes(64) + BODY[86:], 400, id="key off the curve"),
        pytest.param(BODY[:16] + b"\x00\x00\x00\x12" + BODY[20:], 400, id="two records"),
        pytest.param(BODY + bytes(4097 - len(BODY)), 413, id="4097 bytes"),
        pytest.param(bytes(100_000), 413, id="100,000 bytes"),
    ],
)
def test_a_body_that_is_no_single_record_is_refused(
    client: httpx2.Client, token: str, body: bytes, status: int
) -> None:
    """RFC 8291 section 4, which browsers themselves do not insist on."""
    assert post(client, token, body=body).status_code == status
    assert waiting(client, token) == []


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"aud": "https://push.example"}, id="another audience"),
        pytest.param({"aud": None}, id="no audience"),
        pytest.param({"exp": int((clock.now() - HOUR).timestamp())}, id="expired"),
        pytest.param({"exp": int((clock.now() + 25 * HOUR).timestamp())}, id="25 hours"),
        pytest.param({"exp": "2999999999"}, id="expiry as text"),
        pytest.param({"exp": True}, id="expiry as truth"),
        pytest.param({"exp": None}, id="no expiry"),
        pytest.param({"sub": "a@b.example"}, id="contact without scheme"),
        pytest.param({"sub": None}, id="no contact"),
    ],
)
def test_a_token_with_wrong_claims_is_refused(
    client: httpx2.Client, token: str, claims: dict[str, object]
) -> None:
    """RFC 8292 section 2."""
    assert post(client, token, authorization=sign(client, claims=claims)).status_code == 401


def test_a_token_by_another_key_is_refused(client: httpx2.Client, token: str) -> None:
    """403 for another sender (RFC 8292 section 4.2), 401 for one who pretends to be ours."""
    other, forged = sign(client, by=OTHER_KEY), sign(client, by=OTHER_KEY, shown=KEY)

    assert post(client, token, authorization=other).status_code == 403
    assert post(client, token, authorization=forged).status_code == 401


def test_subscriptions_end_for_good(client: httpx2.Client, token: str) -> None:
    """An unknown endpoint answers 404, an ended one 410."""
    assert client.delete(f"/subscriptions/{token}").status_code == 204
    assert post(client, token).status_code == 410
    assert post(client, "unknown").status_code == 404
    assert client.delete("/subscriptions/unknown").status_code == 404
    assert client.get("/subscriptions/unknown/messages").status_code == 404


@pytest.mark.parametrize("body", [b"", b"[]", b'{"applicationServerKey": "AAAA"}', b"{}"])
def test_subscribing_without_a_key_is_refused(client: httpx2.Client, body: bytes) -> None:
    """A subscription without an application server key could be pushed to by anyone."""
    assert client.post("/subscribe", content=body).status_code == 400


def test_a_topic_replaces_only_its_own(client: httpx2.Client, token: str) -> None:
    """RFC 8030 section 5.4: the newer stands, with its own TTL and in its own place."""
    for topic, ttl in (("a", "60"), ("b", "60"), ("a", "120"), (None, "60"), (None, "60")):
        post(client, token, Topic=topic, TTL=ttl)

    found = waiting(client, token)

    assert [message["topic"] for message in found] == ["b", "a", None, None]
    assert found[1]["headers"]["TTL"] == "120"


def test_messages_expire(client: httpx2.Client, token: str) -> None:
    """A message is not handed over after its TTL (RFC 8030 section 5.2)."""
    post(client, token, TTL="1")
    time.sleep(1.05)

    assert waiting(client, token) == []


def test_a_ttl_of_nought_reaches_only_who_is_there(client: httpx2.Client, token: str) -> None:
    """Nobody listens: 201 and dropped. Somebody listens: handed over."""
    assert post(client, token, TTL="0").status_code == 201
    assert waiting(client, token) == []

    with ThreadPoolExecutor(1) as threads:
        listening = threads.submit(waiting, client, token, wait_s=5)
        while not listening.done():
            post(client, token, TTL="0", Topic="now")
            time.sleep(0.02)

    assert [message["topic"] for message in listening.result()] == ["now"]


def test_every_push_is_logged_with_its_answer(client: httpx2.Client, token: str) -> None:
    """Also those refused, so that an audit can count them."""
    post(client, token, Topic="abc", Urgency="low")
    post(client, token, TTL=None)

    first, second = [entry for entry in client.get("/log").json() if entry["token"] == token]

    assert (first["status"], first["topic"], first["urgency"]) == (201, "abc", "low")
    assert first["message_id"] == waiting(client, token)[0]["id"]
    assert first["body_bytes"] == len(BODY)
    assert datetime.fromisoformat(first["at"]).tzinfo is not None
    assert (second["status"], second["message_id"]) == (400, None)
    assert first["body_sha256"] == second["body_sha256"]


def test_faults_are_used_up_in_order_and_only_where_planned(
    client: httpx2.Client, token: str
) -> None:
    """After them the service behaves again."""
    faults = [
        {"token": token, "status": 429, "headers": {"Retry-After": "7"}, "times": 2},
        {"token": token, "status": 503},
        {"token": "another", "status": 500},
    ]
    assert client.post("/faults", json=faults).status_code == 204

    answers = [post(client, token) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [429, 429, 503, 201]
    assert answers[0].headers["Retry-After"] == "7"
    assert len(waiting(client, token)) == 1
    assert client.delete("/faults").status_code == 204


def test_a_fault_may_store_the_message_and_break_the_connection(
    client: httpx2.Client, token: str
) -> None:
    """Accepted, though the sender never hears of it."""
    client.post("/faults", json=[{"token": token, "store": True, "drop_connection": True}])

    with pytest.raises(httpx2.RemoteProtocolError):
        post(client, token)

    assert len(waiting(client, token)) == 1


def test_a_fault_that_stores_still_refuses_what_is_unsound(
    client: httpx2.Client, token: str
) -> None:
    """A bad sender is not let through by it."""
    client.post("/faults", json=[{"token": token, "store": True, "status": 201}])

    assert post(client, token, TTL=None).status_code == 400


@pytest.mark.parametrize("faults", [{}, [{"statsu": 500}], [{"times": 0}], [{"status": 99}]])
def test_a_fault_misspelt_is_refused(client: httpx2.Client, faults: object) -> None:
    """A test that plans nothing would prove nothing."""
    assert client.post("/faults", json=faults).status_code == 422


def test_a_wait_that_is_no_number_is_refused(client: httpx2.Client, token: str) -> None:
    """Rather than taken for none."""
    path = f"/subscriptions/{token}/messages"

    assert client.get(path, params={"wait": "long"}).status_code == 400


def test_a_taken_port_is_reported() -> None:
    """Starting fails at once instead of hanging."""
    with serving() as address, pytest.raises(OSError, match="address already in use"):
        serving(port=address.port).__enter__()


def test_the_rfc_messages_pass_the_rules() -> None:
    """RFC 8291 section 5 is a sound body; RFC 8292 section 2.4 a sound token until it expires."""
    check_body({"Content-Encoding": "aes128gcm"}, decode(VECTORS["rfc8291"]["body"]))
    authorization = VECTORS["rfc8292"]["authorization"]
    key = decode(authorization.rpartition("k=")[2])
    expires_at = datetime.fromtimestamp(VECTORS["rfc8292"]["jwt_claims"]["exp"], UTC)
    audience = "https://push.example.net"

    check_vapid(authorization, server_key=key, audience=audience, at=expires_at - HOUR)
    with pytest.raises(Refused, match="24 hours"):
        check_vapid(authorization, server_key=key, audience=audience, at=expires_at)


def test_it_runs_by_itself_and_stops_when_told(tmp_path: Path) -> None:
    """`python -m local.pushservice` says where it is, writes its log and ends with 0."""
    log = tmp_path / "pushes.jsonl"
    command = [sys.executable, "-m", "local.pushservice", "--port", "0", "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        token = secrets.token_hex(4)
        answer = httpx2.post(f"{url}/push/{token}", content=BODY, verify=NO_TLS)
        process.send_signal(signal.SIGTERM)

    assert (answer.status_code, process.returncode) == (404, 0)
    assert json.loads(log.read_text(encoding="utf-8"))["token"] == token
