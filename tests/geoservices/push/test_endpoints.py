"""Which endpoints and keys are taken, and what is said of the others."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from geoservices import base64url
from geoservices.push.endpoints import (
    EndpointRefused,
    SubscriptionKeysRefused,
    check_endpoint,
    check_keys,
    is_public,
    origin_of,
)
from geoservices.settings.sending import PushSettings

ALLOWED = PushSettings.model_fields["allowed_hosts"].default
AUTH = base64url.encode(bytes(range(16)))
POINT = (
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
)
P256DH = base64url.encode(POINT)


@pytest.mark.parametrize(
    "url",
    [
        "https://fcm.googleapis.com/fcm/send/dGhpcw:APA91b-_x",
        "https://FCM.googleapis.com/wp/abc",
        "https://fcm.googleapis.com:443/wp/abc",
        "https://jmt17.google.com/fcm/send/abc",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAAA",
        "https://wns2-am3p.notify.windows.com/w/?token=BQYAAA%2b%3d",
        "https://web.push.apple.com/QGf-1_2",
    ],
)
def test_endpoints_of_known_push_services_pass(url: str) -> None:
    """Each vendor's form of endpoint is taken, capital letters and the default port included."""
    check_endpoint(url, allowed_hosts=ALLOWED, allow_loopback=False)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        pytest.param("http://fcm.googleapis.com/x", "https", id="plain http"),
        pytest.param("ftp://fcm.googleapis.com/x", "https", id="another scheme"),
        pytest.param("fcm.googleapis.com/x", "https", id="no scheme"),
        pytest.param("", "printable", id="empty"),
        pytest.param("https://fcm.googleapis.com:8443/x", "port 443", id="another port"),
        pytest.param("https://fcm.googleapis.com:99999/x", "URL", id="impossible port"),
        pytest.param("https://fcm.googleapis.com:0x1bb/x", "URL", id="port in hexadecimal"),
        pytest.param("https://me:pass@fcm.googleapis.com/x", "user", id="user information"),
        pytest.param("https://fcm.googleapis.com@evil.example/x", "user", id="host as user"),
        pytest.param("https://fcm.googleapis.com/x#y", "fragment", id="fragment"),
        pytest.param("https://fcm.googleapis.com/x#", "fragment", id="empty fragment"),
        pytest.param("https://fcm.googleapis.com/" + "x" * 2022, "2048", id="2049 characters"),
        pytest.param("https://fcm.googleapis.com/\u00fc", "ASCII", id="not ASCII"),
        pytest.param("https://fcm.googleapis.com/a b", "blanks", id="blank"),
        pytest.param("https://fcm.googleapis.com/a\r\nX: y", "blanks", id="header injection"),
        pytest.param("https://fcm.googleapis.com/x\n", "blanks", id="newline at the end"),
        pytest.param("https://evil.example\\.fcm.googleapis.com/", "backslash", id="backslash"),
        pytest.param("https://127.0.0.1/x", "IP address", id="loopback"),
        pytest.param("https://10.0.0.1/x", "IP address", id="private"),
        pytest.param("https://169.254.169.254/latest", "IP address", id="link-local metadata"),
        pytest.param("https://8.8.8.8/x", "IP address", id="public address"),
        pytest.param("https://2130706433/x", "IP address", id="127.0.0.1 as a number"),
        pytest.param("https://0x7f000001/x", "IP address", id="127.0.0.1 in hexadecimal"),
        pytest.param("https://0177.0.0.1/x", "IP address", id="127.0.0.1 in octal"),
        pytest.param("https://127.1/x", "IP address", id="127.0.0.1 shortened"),
        pytest.param("https://[::1]/x", "IP address", id="IPv6 loopback"),
        pytest.param("https://[::ffff:10.0.0.1]/x", "IP address", id="IPv6-mapped"),
        pytest.param("https://[fd00::1]/x", "IP address", id="IPv6 private"),
        pytest.param("https://[fcm.googleapis.com]/x", "URL|IP address", id="name in brackets"),
        pytest.param("https://[v1.fcm.googleapis.com]/x", "URL|IP address", id="future address"),
        pytest.param("https://[::1/x", "URL", id="bracket left open"),
        pytest.param("https:///x", "host", id="no host"),
        pytest.param("https://fcm.googleapis.com./x", "host", id="dot at the end"),
        pytest.param("https://fcm%2egoogleapis.com/x", "host", id="escaped host"),
        pytest.param("https://localhost/x", "known push service", id="localhost"),
        pytest.param("https://evil.example/x", "known push service", id="unknown host"),
        pytest.param("https://fcm.googleapis.com.evil.example/x", "known", id="allowed as prefix"),
        pytest.param("https://evilpush.apple.com/x", "known push service", id="allowed as suffix"),
        pytest.param("https://googleapis.com/x", "known push service", id="above an allowed one"),
        pytest.param("http://127.0.0.1:8000/x", "https", id="loopback over http"),
    ],
)
def test_other_endpoints_are_refused_by_the_rule_they_break(url: str, rule: str) -> None:
    """The refusal names the rule and the field."""
    with pytest.raises(EndpointRefused, match=rule) as refusal:
        check_endpoint(url, allowed_hosts=ALLOWED, allow_loopback=False)

    assert refusal.value.field == "/endpoint"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/push/x",
        "http://[::1]:8000/x",
        "http://localhost:8000/x",
        "https://localhost:8000/x",
        "https://127.0.0.1:8000/x",
    ],
)
def test_loopback_passes_only_by_the_setting(url: str) -> None:
    """Tests and the demo reach their own push service; nobody else does."""
    check_endpoint(url, allowed_hosts=ALLOWED, allow_loopback=True)
    with pytest.raises(EndpointRefused):
        check_endpoint(url, allowed_hosts=ALLOWED, allow_loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1:8000/x",
        "https://127.0.0.2:8000/x",
        "http://127.0.0.2/x",
        "http://0.0.0.0/x",
        "http://10.0.0.1/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://localhost.evil.example/x",
        "http://me@127.0.0.1/x",
        "http://127.0.0.1/x#y",
        "http://fcm.googleapis.com/x",
    ],
)
def test_the_loopback_setting_opens_nothing_else(url: str) -> None:
    """All other rules hold with the setting on."""
    with pytest.raises(EndpointRefused):
        check_endpoint(url, allowed_hosts=ALLOWED, allow_loopback=True)


def test_an_empty_allow_list_allows_nothing() -> None:
    """Nor does an empty name in it."""
    for allowed in ((), ("",)):
        with pytest.raises(EndpointRefused):
            check_endpoint("https://push.apple.com/x", allowed_hosts=allowed, allow_loopback=False)


@given(st.text(alphabet="ahtps:/.@#?[]%\\;&=0189-x\u00e9 ", max_size=40))
def test_what_passes_is_read_alike_by_the_client_that_sends(tail: str) -> None:
    """Whatever follows the scheme, the host we checked is the host that will be called."""
    url = f"https://{tail}"
    try:
        check_endpoint(url, allowed_hosts=("a", "x.t"), allow_loopback=False)
    except EndpointRefused:
        return

    called = URL(url, encoded=True)
    assert called.scheme == "https"
    assert called.port == 443
    assert called.host in {"a", "x.t"} or str(called.host).endswith((".a", ".x.t"))


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://fcm.googleapis.com/fcm/send/x", "https://fcm.googleapis.com"),
        ("https://FCM.googleapis.com:443/x", "https://fcm.googleapis.com"),
        ("http://127.0.0.1:8000/push/x", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:80/push/x", "http://127.0.0.1"),
        ("http://[::1]:8000/x", "http://[::1]:8000"),
        ("https://push.example:8443/x?y=1", "https://push.example:8443"),
    ],
)
def test_origin_leaves_out_path_and_default_port(url: str, origin: str) -> None:
    """RFC 6454 section 6.2."""
    assert origin_of(url) == origin


@pytest.mark.parametrize("address", ["142.250.180.10", "2a00:1450:4009::a", "64:ff9b::8.8.8.8"])
def test_addresses_on_the_public_internet(address: str) -> None:
    """Those a push service may have, also through the NAT64 of an IPv6-only network."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "64:ff9b::10.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b:1::1",
        "fc00::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_addresses_that_no_push_service_has(address: str) -> None:
    """Private, loopback, link-local, multicast and reserved ones, wrapped or not."""
    assert not is_public(address)


def test_keys_are_read_with_and_without_padding() -> None:
    """Browsers leave padding away, some libraries add it."""
    padded = base64.urlsafe_b64encode

    assert check_keys(P256DH, AUTH) == (POINT, bytes(range(16)))
    assert check_keys(padded(POINT).decode(), padded(bytes(16)).decode()) == (POINT, bytes(16))


@pytest.mark.parametrize(
    ("p256dh", "rule"),
    [
        pytest.param("", "65 bytes", id="empty"),
        pytest.param(base64url.encode(POINT[:64]), "65 bytes", id="short"),
        pytest.param(base64url.encode(POINT + b"x"), "65 bytes", id="long"),
        pytest.param(base64url.encode(b"\x02" + POINT[1:]), "0x04", id="wrong form"),
        pytest.param(base64url.encode(b"\x04" + bytes(64)), "curve", id="zero point"),
        pytest.param(base64url.encode(b"\x04" + b"\x01" * 64), "curve", id="off the curve"),
        pytest.param(P256DH + "==", "base64url", id="too much padding"),
        pytest.param(P256DH[:40] + "\n" + P256DH[40:], "base64url", id="newline inside"),
        pytest.param("+/" + P256DH[2:], "base64url", id="ordinary base64"),
        pytest.param(P256DH[:-1] + "\u00e9", "base64url", id="not ASCII"),
        pytest.param(P256DH[:-2], "base64url", id="impossible length"),
    ],
)
def test_a_public_key_that_cannot_be_one_is_refused(p256dh: str, rule: str) -> None:
    """The refusal names the rule and the field."""
    with pytest.raises(SubscriptionKeysRefused, match=rule) as refusal:
        check_keys(p256dh, AUTH)

    assert refusal.value.field == "/keys/p256dh"


@pytest.mark.parametrize(
    ("auth", "rule"),
    [
        pytest.param("", "16 bytes", id="empty"),
        pytest.param("AAAA", "16 bytes", id="3 bytes"),
        pytest.param(base64url.encode(bytes(17)), "16 bytes", id="17 bytes"),
        pytest.param(AUTH[:-1] + "!", "base64url", id="junk"),
        pytest.param("A" * 21 + "B", "base64url", id="stray bits"),
        pytest.param(AUTH + "=", "base64url", id="half the padding"),
    ],
)
def test_a_secret_of_the_wrong_form_is_refused(auth: str, rule: str) -> None:
    """The refusal names the rule and the field."""
    with pytest.raises(SubscriptionKeysRefused, match=rule) as refusal:
        check_keys(P256DH, auth)

    assert refusal.value.field == "/keys/auth"


@given(st.binary(max_size=100))
def test_base64url_comes_back(data: bytes) -> None:
    """What is written is read again as it was."""
    assert base64url.decode(base64url.encode(data)) == data
