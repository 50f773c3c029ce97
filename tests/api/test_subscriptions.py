"""The push key, and what browsers may subscribe with."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.app import create_app
from geoservices import base64url
from geoservices.accounts.models import Purpose
from geoservices.database import SessionFactory
from geoservices.settings.service import Settings
from geoservices.subscriptions.models import Subscription
from tests.api import asking
from tests.api.conftest import agree, with_token


@pytest.fixture(params=["loopback allowed", "loopback not allowed"])
def phone(
    request: pytest.FixtureRequest,
    application: FastAPI,
    settings: Settings,
    anyone: Client,
) -> Iterator[Client]:
    """A new device, of the service as tests run it and of the service as it runs for people."""
    push = settings.push.model_copy(update={"allow_loopback": "not" not in request.param})
    application.state.settings = settings.model_copy(update={"push": push})
    phone = with_token(anyone, anyone.post("/v1/devices", json={}).json()["token"])
    agree(phone, Purpose.NEARBY)
    yield phone
    application.state.settings = settings


@pytest.fixture
def key(phone: Client) -> str:
    """The key the service pushes with."""
    told: str = phone.get("/v1/push/key").json()["application_server_key"]
    return told


def test_the_push_key_is_a_point_on_the_curve(key: str) -> None:
    """65 bytes, uncompressed, in base64url without padding (RFC 8292 section 3.2)."""
    point = base64url.decode(key)

    assert (len(point), point[0]) == (65, 4)
    assert "=" not in key


def test_a_browser_subscribes_and_renews(phone: Client, key: str, session: Session) -> None:
    """Sending the same again, with new keys even, renews what there is."""
    offered = asking.subscription(key)
    renewed = {**asking.subscription(key), "endpoint": offered["endpoint"]}

    first = phone.post("/v1/subscriptions", json=offered)
    second = phone.post("/v1/subscriptions", json=renewed)

    stored = session.scalars(select(Subscription)).one()
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"] == str(stored.id)
    assert base64url.encode(stored.p256dh) == renewed["keys"]["p256dh"]
    assert [one["id"] for one in phone.get("/v1/subscriptions").json()] == [str(stored.id)]
    assert [one["pushed_to"] for one in phone.get("/v1/devices").json()] == [True]


def test_the_endpoint_is_never_shown(phone: Client, key: str) -> None:
    """Whoever knows it could push; it is the browser's secret."""
    offered = asking.subscription(key)

    made = phone.post("/v1/subscriptions", json=offered)

    assert offered["endpoint"] not in made.text + phone.get("/v1/subscriptions").text
    assert set(made.json()) == {
        *("id", "created_at", "updated_at", "health", "last_accepted_at", "last_shown_at"),
        *("last_failure_at", "last_failure_reason", "ended_at", "ended_reason"),
    }


def test_what_a_browser_gives_out_is_taken_as_it_is(phone: Client, key: str) -> None:
    """`toJSON()` has an expirationTime, mostly null; padding of the keys is allowed."""
    offered = asking.subscription(key, expirationTime=None)
    offered["keys"]["auth"] += "=="

    assert phone.post("/v1/subscriptions", json=offered).status_code == 201
    timed = asking.subscription(key, expirationTime=1893456000000.0)
    assert phone.post("/v1/subscriptions", json=timed).status_code == 201


def test_an_ended_subscription_is_gone_and_comes_back_by_renewing(phone: Client, key: str) -> None:
    """Ending twice is as good as once."""
    offered = asking.subscription(key)
    id_ = phone.post("/v1/subscriptions", json=offered).json()["id"]

    ended = [phone.delete(f"/v1/subscriptions/{id_}").status_code for _ in range(2)]
    without = phone.get("/v1/subscriptions").json()
    again = phone.post("/v1/subscriptions", json=offered)

    assert ended == [204, 204]
    assert without == []
    assert again.json()["id"] == id_
    assert len(phone.get("/v1/subscriptions").json()) == 1


def test_another_device_takes_over_the_browser_it_signs_in_on(
    phone: Client, stranger: Client, key: str
) -> None:
    """One browser is one endpoint: the last who subscribed with it is pushed to, no one else."""
    offered = asking.subscription(key)
    id_ = phone.post("/v1/subscriptions", json=offered).json()["id"]

    agree(stranger, Purpose.NEARBY)
    stranger.post("/v1/subscriptions", json=offered)

    assert phone.get("/v1/subscriptions").json() == []
    assert [one["id"] for one in stranger.get("/v1/subscriptions").json()] == [id_]
    assert phone.delete(f"/v1/subscriptions/{id_}").status_code == 404


def test_a_subscription_made_with_an_old_key_is_refused(phone: Client, session: Session) -> None:
    """It can never be pushed to with the present key; the browser must subscribe anew."""
    answer = phone.post("/v1/subscriptions", json=asking.subscription("BOldKey"))

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/push-key-outdated"
    assert answer.json()["field"] == "/application_server_key"
    assert session.scalar(select(func.count()).select_from(Subscription)) == 0


POINT = asking.subscription("")["keys"]["p256dh"]
OFF_CURVE = base64url.encode(b"\x04" + bytes(63) + b"\x01")


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        pytest.param({"p256dh": OFF_CURVE}, "/keys/p256dh", id="a point off the curve"),
        pytest.param({"p256dh": POINT[:40]}, "/keys/p256dh", id="a key cut short"),
        pytest.param(
            {"p256dh": base64url.encode(b"\x02" + bytes(32))}, "/keys/p256dh", id="compressed"
        ),
        pytest.param({"p256dh": base64url.encode(bytes(65))}, "/keys/p256dh", id="zeros"),
        pytest.param({"p256dh": POINT + "!"}, "/keys/p256dh", id="not base64url"),
        pytest.param({"p256dh": ""}, "/keys/p256dh", id="empty"),
        pytest.param({"p256dh": "A" * 201}, "/keys/p256dh", id="far too long"),
        pytest.param({"auth": base64url.encode(bytes(15))}, "/keys/auth", id="15 bytes of auth"),
        pytest.param({"auth": base64url.encode(bytes(17))}, "/keys/auth", id="17 bytes of auth"),
        pytest.param({"auth": "AAAAAAAAAAAAAAAAAAAAAB"}, "/keys/auth", id="stray bits"),
        pytest.param({"auth": "a+b/"}, "/keys/auth", id="plain base64"),
        pytest.param({"auth": None}, "/keys/auth", id="no auth"),
        pytest.param({"extra": "x"}, "/keys/extra", id="a key too many"),
    ],
)
def test_keys_that_cannot_be_encrypted_for_are_refused(
    phone: Client, key: str, session: Session, keys: dict[str, Any], field: str
) -> None:
    """The problem names the key and nothing is stored."""
    offered = asking.subscription(key)
    offered["keys"] |= keys

    answer = phone.post("/v1/subscriptions", json=offered)

    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert session.scalar(select(func.count()).select_from(Subscription)) == 0


@pytest.mark.parametrize(
    "endpoint",
    [
        pytest.param("https://10.0.0.1/push", id="a private address, class A"),
        pytest.param("https://192.168.1.1/push", id="a private address, class C"),
        pytest.param("https://169.254.169.254/latest/meta-data", id="the cloud's metadata"),
        pytest.param("https://[::ffff:10.0.0.1]/push", id="IPv4 mapped into IPv6"),
        pytest.param("http://[::ffff:127.0.0.1]/push", id="this machine mapped into IPv6"),
        pytest.param("https://2130706433/push", id="this machine as one decimal number"),
        pytest.param("https://0x7f000001/push", id="this machine in hexadecimal"),
        pytest.param("https://0177.0.0.1/push", id="this machine in octal"),
        pytest.param("https://127.1/push", id="this machine, shortened"),
        pytest.param("http://10.0.0.1/push", id="a private address without TLS"),
        pytest.param("https://user:pass@fcm.googleapis.com/x", id="with user and password"),
        pytest.param("https://fcm.googleapis.com@10.0.0.1/x", id="a known host as the user"),
        pytest.param("https://fcm.googleapis.com:8443/x", id="another port"),
        pytest.param("https://fcm.googleapis.com:99999/x", id="an impossible port"),
        pytest.param("http://fcm.googleapis.com/x", id="without TLS"),
        pytest.param("ftp://fcm.googleapis.com/x", id="another scheme"),
        pytest.param("//fcm.googleapis.com/x", id="no scheme"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("https://fcm.googleapis.com.evil.test/x", id="a known host as a label"),
        pytest.param("https://evilfcm.googleapis.com.test/x", id="nearly a known host"),
        pytest.param("https://xfcm.googleapis.com/x", id="a known host with more before it"),
        pytest.param("https://fcm.googleapis.com./x", id="with a final dot"),
        pytest.param("https://fcm.googleapis.com\\@evil.test/x", id="with a backslash"),
        pytest.param("https://fcm.googleapis.com/x#y", id="with a fragment"),
        pytest.param("https://fcm.googleapis.com/x y", id="with a blank inside"),
        pytest.param("https://fcm.googleapis.com/\u00e9", id="with letters that are no ASCII"),
        pytest.param("https://fcm.googleapis.com/" + "x" * 2048, id="too long"),
        pytest.param("https://", id="no host"),
        pytest.param("nonsense", id="no URL"),
    ],
)
def test_an_endpoint_that_is_no_push_service_is_refused(
    phone: Client, key: str, session: Session, endpoint: str
) -> None:
    """Whether or not loopback is allowed; the service must not be made to call such places."""
    answer = phone.post("/v1/subscriptions", json=asking.subscription(key, endpoint=endpoint))

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/push-endpoint-refused"
    assert answer.json()["field"] == "/endpoint"
    assert endpoint not in answer.text
    assert session.scalar(select(func.count()).select_from(Subscription)) == 0


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:9000/push/x",
        "http://[::1]:9000/push/x",
        "http://localhost/push/x",
        "https://127.0.0.1/push",
        "https://[::1]/push",
        "https://localhost/push",
    ],
)
def test_loopback_is_for_tests_only(
    phone: Client, key: str, application: FastAPI, endpoint: str
) -> None:
    """Allowed by a setting, and refused without it."""
    allowed = application.state.settings.push.allow_loopback

    answer = phone.post("/v1/subscriptions", json=asking.subscription(key, endpoint=endpoint))

    assert answer.status_code == (201 if allowed else 422)


def test_loopback_is_refused_unless_asked_for(settings: Settings) -> None:
    """The setting is off by default."""
    made = create_app(SessionFactory(), settings)

    assert type(made.state.settings.push).model_fields["allow_loopback"].default is False


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/x:y",
        "https://updates.push.services.mozilla.com/wpush/v2/x",
        "https://wns2-par02p.notify.windows.com/w/?token=x",
        "https://web.push.apple.com/x",
        "https://FCM.googleapis.com:443/x",
    ],
)
def test_every_known_push_service_is_taken(phone: Client, key: str, endpoint: str) -> None:
    """Each host itself and every host below it."""
    answer = phone.post("/v1/subscriptions", json=asking.subscription(key, endpoint=endpoint))

    assert answer.status_code == 201
