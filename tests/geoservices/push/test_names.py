"""Names lead to the addresses that were checked, or nowhere."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from geoservices.push.names import AddressNotPublic, Names

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOST = "fcm.googleapis.com"


def make_names(found: list[str], *, allow_loopback: bool = False) -> Names:
    """Make names that all lead to these addresses."""
    return Names(lambda _host, _port: found, allow_loopback=allow_loopback, now=lambda: NOON)


def test_every_address_is_handed_over() -> None:
    """In the order of the name service."""
    found = ["142.250.180.10", "2a00:1450:4009::a"]

    assert make_names(found).find(HOST, 443).result() == tuple(found)


@pytest.mark.parametrize("host", ["localhost", HOST])
@pytest.mark.parametrize("allow_loopback", [True, False])
def test_loopback_is_for_loopback_names_and_only_by_the_setting(
    host: str, *, allow_loopback: bool
) -> None:
    """A push service's name never leads to this machine."""
    names = make_names(["127.0.0.1"], allow_loopback=allow_loopback)
    if allow_loopback and host == "localhost":
        assert names.find(host, 80).result() == ("127.0.0.1",)
        return

    with pytest.raises(AddressNotPublic):
        names.find(host, 80).result()


@pytest.mark.parametrize("address", ["10.0.0.1", "142.250.180.10"])
def test_localhost_leads_nowhere_but_here(address: str) -> None:
    """A name service that sends localhost elsewhere is not followed, not even to the internet."""
    with pytest.raises(AddressNotPublic):
        make_names([address], allow_loopback=True).find("localhost", 80).result()


def test_an_address_is_not_looked_up_but_checked() -> None:
    """Loopback endpoints name one; any other was refused before, and is here too."""
    names = make_names(["10.0.0.1"], allow_loopback=True)

    assert names.find("127.0.0.1", 80).result() == ("127.0.0.1",)
    with pytest.raises(AddressNotPublic):
        names.find("10.0.0.1", 80).result()


def test_those_who_ask_together_share_a_look_up() -> None:
    """Five hundred pushes to one push service ask for its name once."""
    asked: list[str] = []

    def look_up(host: str, _port: int) -> list[str]:
        asked.append(host)
        time.sleep(0.05)
        return ["142.250.180.10"]

    names = Names(look_up, allow_loopback=False, now=lambda: NOON)

    assert len({names.find(HOST, 443) for _ in range(500)}) == 1
    assert names.find("web.push.apple.com", 443).result() == ("142.250.180.10",)
    assert asked == [HOST, "web.push.apple.com"]


@pytest.mark.parametrize(
    ("ages", "asked"),
    [
        pytest.param([0, 30, 59.9], 1, id="remembered for a minute"),
        pytest.param([0, 60], 2, id="and no longer"),
        pytest.param([0, -1], 2, id="made while the clock was wrong"),
    ],
)
def test_success_is_remembered_for_a_minute(ages: list[float], asked: int) -> None:
    """A name that moves is noticed."""
    count, at = [0], [NOON]

    def look_up(_host: str, _port: int) -> list[str]:
        count[0] += 1
        return ["142.250.180.10"]

    names = Names(look_up, allow_loopback=False, now=lambda: at[-1])
    for age in ages:
        at.append(NOON + timedelta(seconds=age))
        if names.known(HOST, 443) is None:
            names.find(HOST, 443).result()

    assert count == [asked]


def fail(_host: str, _port: int) -> list[str]:
    """Find no name service."""
    raise OSError


@pytest.mark.parametrize(
    "look_up", [lambda _host, _port: [], lambda _host, _port: ["10.0.0.1"], fail]
)
def test_failure_is_not_remembered(look_up: Callable[[str, int], list[str]]) -> None:
    """The next attempt asks anew."""
    asked: list[str] = []

    def count(host: str, port: int) -> list[str]:
        asked.append(host)
        return look_up(host, port)

    names = Names(count, allow_loopback=False, now=lambda: NOON)
    for _ in range(3):
        assert names.known(HOST, 443) is None
        with pytest.raises((OSError, AddressNotPublic)):
            names.find(HOST, 443).result()

    assert len(asked) == 3
