"""Where a push may go: the rules for the addresses and keys that browsers hand us.

An endpoint comes from a client and is called later from our own network, so whatever gets past
these rules can be made to call our internal hosts (server-side request forgery). The rules hold
when a subscription is taken in and again before every push. Nothing here touches the network.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from geoservices import base64url
from geoservices.errors import ErrorKind, GeoservicesError

MAX_ENDPOINT_LENGTH = 2048
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
P256DH_LENGTH = 65
AUTH_LENGTH = 16
UNCOMPRESSED_POINT = 4
HTTPS_PORT = 443
DEFAULT_PORTS = {"http": 80, "https": HTTPS_PORT}
MAX_ORIGINS = 1024

# All global unicast addresses that IANA has given out lie in here (RFC 4291 section 2.4).
GLOBAL_UNICAST = IPv6Network("2000::/3")
# The well-known prefix by which IPv6-only networks reach IPv4 hosts (RFC 6052 section 2.1).
NAT64 = IPv6Network("64:ff9b::/96")
# What organisations number their own networks with (RFC 1918 section 3, RFC 4193 section 3.1).
PRIVATE = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")),
)

_BEGINNING = re.compile(r"[^/?#]*//[^/?#]*")
_PRINTABLE = re.compile(r"[!-\[\]-~]+")  # ASCII without blanks and without the backslash.
_HOST_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
# A last label of digits or of hexadecimal makes browsers read the whole host as an IPv4 address
# (WHATWG URL, section 3.5, "ends in a number"), so `2130706433` is 127.0.0.1.
_ENDS_IN_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")


class EndpointRefused(GeoservicesError):
    """The endpoint of a push subscription is not one that this service will call."""

    kind = ErrorKind.INVALID
    code = "push-endpoint-refused"
    title = "This push endpoint is not accepted"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="/endpoint")


class SubscriptionKeysRefused(GeoservicesError):
    """A key of a push subscription cannot be encrypted for."""

    kind = ErrorKind.INVALID
    code = "push-keys-refused"
    title = "The keys of this push subscription cannot be used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Scheme, host in lower case and port of a push service (RFC 6454 section 4).

    `text` leaves out the scheme's own port (section 6.2), as VAPID tokens do.
    """

    scheme: str
    host: str
    port: int
    text: str


def check_endpoint(url: str, *, allowed_hosts: Sequence[str], allow_loopback: bool) -> None:
    """Make sure that `url` is a push service's and nothing else's.

    `https` (RFC 8030 section 8), port 443, no user information, no fragment, at most 2048
    printable ASCII characters, and a host that equals an allowed one or lies below it. With
    `allow_loopback`, 127.0.0.1, ::1 and localhost pass too, by `http` as well and on any port.

    Raises:
        EndpointRefused: It is not; the message names the rule.
    """
    if len(url) > MAX_ENDPOINT_LENGTH:
        raise EndpointRefused(f"A push endpoint has at most {MAX_ENDPOINT_LENGTH} characters.")
    if not _PRINTABLE.fullmatch(url):
        raise EndpointRefused("A push endpoint is printable ASCII without blanks or backslashes.")
    if "#" in url:
        raise EndpointRefused("A push endpoint has no fragment.")
    _check_origin(_beginning(url), tuple(allowed_hosts), allow_loopback)


def check_keys(p256dh: str, auth: str) -> tuple[bytes, bytes]:
    """Read the two keys of a `PushSubscription` (RFC 8291 section 2).

    Args:
        p256dh: The browser's public key: an uncompressed point on P-256, 65 bytes, in base64url.
        auth: The secret shared with the browser: 16 bytes, in base64url.

    Returns:
        Both as bytes.

    Raises:
        SubscriptionKeysRefused: One is not; `field` names it and the message the rule.
    """
    return _check_p256dh(p256dh), _check_auth(auth)


def read_origin(url: str) -> Origin:
    """Return where an endpoint's push service is.

    Raises:
        ValueError: This is not a URL.
    """
    return _read_origin(_beginning(url))


def origin_of(url: str) -> str:
    """Return an endpoint's origin as a VAPID token names its audience (RFC 8292 section 2)."""
    return read_origin(url).text


def is_public(address: str) -> bool:
    """Tell whether an IP address lies on the public internet, whatever it is wrapped in.

    An IPv4 address inside an IPv6 one (mapped, 6to4 or NAT64) is judged as itself.

    Source:
        IANA special-purpose address registries (RFC 6890), as Python's `ipaddress` knows them.
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv4Address):
        return parsed.is_global and not parsed.is_multicast
    inner = _wrapped_ipv4(parsed)
    if inner is not None:
        return is_public(str(inner))
    return parsed in GLOBAL_UNICAST and parsed.is_global


def is_private(address: str) -> bool:
    """Tell whether an IP address is one that organisations number their own networks with.

    Loopback and link-local addresses are not: what listens there is the machine's own, or its
    hoster's.
    """
    parsed = ip_address(address)
    return any(parsed in network for network in PRIVATE)


def _beginning(url: str) -> str:
    """Return what comes before path and query; there are few of them, so they are read once."""
    found = _BEGINNING.match(url)
    return found[0] if found else url


@lru_cache(MAX_ORIGINS)
def _read_origin(beginning: str) -> Origin:
    parts = urlsplit(beginning)
    host, own = parts.hostname or "", DEFAULT_PORTS.get(parts.scheme, 0)
    port = own if parts.port is None else parts.port
    text = f"{parts.scheme}://[{host}]" if ":" in host else f"{parts.scheme}://{host}"
    text += f":{port}" if port != own else ""
    return Origin(scheme=parts.scheme, host=host, port=port, text=text)


@lru_cache(MAX_ORIGINS)
def _check_origin(beginning: str, allowed_hosts: tuple[str, ...], allow_loopback: bool) -> None:  # noqa: FBT001
    """Check scheme, host and port, refusing whatever two parsers might read differently."""
    try:
        origin, authority = _read_origin(beginning), urlsplit(beginning).netloc
    except ValueError as error:
        raise EndpointRefused("This is not a URL.") from error
    host = origin.host
    if "@" in authority:
        raise EndpointRefused("A push endpoint names no user and no password.")
    if allow_loopback and origin.scheme in DEFAULT_PORTS and host in LOOPBACK_HOSTS:
        return
    if origin.scheme != "https":
        raise EndpointRefused("A push endpoint starts with https://.")
    if origin.port != HTTPS_PORT:
        raise EndpointRefused("A push endpoint uses port 443 and names no other.")
    if "[" in authority or _ENDS_IN_NUMBER.fullmatch(host):
        raise EndpointRefused("A push endpoint names its host; an IP address is not accepted.")
    if not _HOST_NAME.fullmatch(host):
        raise EndpointRefused("The host of a push endpoint is letters, digits, hyphens and dots.")
    if not _is_allowed(host, allowed_hosts):
        known = ", ".join(sorted(allowed_hosts))
        raise EndpointRefused(f"The host must be, or lie below, a known push service: {known}.")


def _is_allowed(host: str, allowed_hosts: Sequence[str]) -> bool:
    allowed = [name.lower() for name in allowed_hosts if name]
    return any(host == name or host.endswith(f".{name}") for name in allowed)


def _wrapped_ipv4(address: IPv6Address) -> IPv4Address | None:
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _check_p256dh(text: str) -> bytes:
    field = "/keys/p256dh"
    try:
        key = base64url.decode(text)
    except ValueError as error:
        raise SubscriptionKeysRefused("p256dh must be base64url.", field=field) from error
    if len(key) != P256DH_LENGTH or key[0] != UNCOMPRESSED_POINT:
        raise SubscriptionKeysRefused("p256dh must be 65 bytes that start with 0x04.", field=field)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
    except ValueError as error:
        message = "p256dh must be a point on the curve P-256."
        raise SubscriptionKeysRefused(message, field=field) from error
    return key


def _check_auth(text: str) -> bytes:
    field = "/keys/auth"
    try:
        secret = base64url.decode(text)
    except ValueError as error:
        raise SubscriptionKeysRefused("auth must be base64url.", field=field) from error
    if len(secret) != AUTH_LENGTH:
        raise SubscriptionKeysRefused("auth must be exactly 16 bytes.", field=field)
    return secret
