"""The local stack's settings: what is wrong is named by the variable that mends it."""

import socket
from pathlib import Path

import pytest

from local.configuration import (
    CHECKOUT,
    FREE_PORTS,
    Configuration,
    check_ports,
    free_port,
    load_configuration,
)
from local.console import CannotGoOn

SYSTEMS_OWN = Path("/proc/sys/net/ipv4/ip_local_port_range")


@pytest.fixture
def configuration(monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """A configuration of free ports."""
    for service in ("API", "DATABASE", "BROKER", "PUSH"):
        monkeypatch.setenv(f"GEOSERVICES_{service}_PORT", str(free_port()))
    return load_configuration()


def test_a_taken_port_names_the_variable_to_set(configuration: Configuration) -> None:
    """The message holds the port and the variable."""
    with (
        socket.create_server(("127.0.0.1", configuration.database_port)),
        pytest.raises(CannotGoOn) as refusal,
    ):
        check_ports(configuration)

    assert f"Port {configuration.database_port} on 127.0.0.1 is taken" in str(refusal.value)
    assert "GEOSERVICES_DATABASE_PORT" in str(refusal.value)


def test_the_ports_of_servers_that_are_given_are_not_asked_for(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A given database leaves its port to whoever has it."""
    monkeypatch.setenv("GEOSERVICES_DATABASE_URL", "postgresql://elsewhere/geoservices")

    with socket.create_server(("127.0.0.1", configuration.database_port)):
        check_ports(load_configuration())


def test_one_port_for_two_servers_is_refused(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both variables are named."""
    monkeypatch.setenv("GEOSERVICES_PUSH_PORT", str(configuration.api_port))

    with pytest.raises(CannotGoOn, match="GEOSERVICES_API_PORT and GEOSERVICES_PUSH_PORT are both"):
        check_ports(load_configuration())


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none_is_refused_by_name(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers out of range and words are refused."""
    monkeypatch.setenv("GEOSERVICES_API_PORT", port)

    with pytest.raises(CannotGoOn, match="GEOSERVICES_API_PORT: "):
        load_configuration()


def test_a_relative_data_folder_lies_in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the command was called from."""
    monkeypatch.setenv("GEOSERVICES_DATA_DIR", "build/second")

    assert load_configuration().data_dir == CHECKOUT / "build/second"


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """`GEOSERVICES_DATA_DIR= make demo` uses the default."""
    monkeypatch.setenv("GEOSERVICES_DATA_DIR", "")

    assert load_configuration().data_dir == Path(CHECKOUT, ".data")


def test_free_ports_are_none_that_connections_are_given() -> None:
    """Each is another one; in between another program may have begun to listen on the first."""
    picked = [free_port() for _ in range(100)]

    assert len({*picked}) == len(picked)
    assert {*picked} <= {*FREE_PORTS}
    if SYSTEMS_OWN.exists():
        first, _ = map(int, SYSTEMS_OWN.read_text("ascii").split())
        assert max(picked) < first
