"""Where the local stack keeps its data and listens, from the environment."""

import os
import socket
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Annotated

import psutil
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from local.console import CannotGoOn

CHECKOUT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
FREE_PORTS = range(20_000, 32_768)
"""Where `free_port` looks: Linux gives connections ports above, and few services are below."""
_tries = count(os.getpid() * 2_203)

Port = Annotated[int, Field(ge=1, le=65535)]


class Configuration(BaseSettings):
    """The local stack's settings; with other ports and another folder two run side by side."""

    model_config = SettingsConfigDict(
        env_prefix="GEOSERVICES_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    data_dir: Path = CHECKOUT / ".data"
    """Holds the cluster, the broker's files, secrets and logs."""
    api_port: Port = 8080
    database_port: Port = 54320
    broker_port: Port = 63790
    push_port: Port = 8090
    database_url: SecretStr | None = None
    """Given, this database is used and no cluster is started."""
    broker_url: SecretStr | None = None
    """Given, this broker is used and none is started."""

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return (CHECKOUT / folder.expanduser()).resolve()

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return f"http://{HOST}:{self.api_port}"

    @property
    def push_url(self) -> str:
        """Where the demo's push service answers."""
        return f"http://{HOST}:{self.push_port}"

    @property
    def logs(self) -> Path:
        """The folder of one log for each process."""
        return self.data_dir / "logs"

    def ports(self) -> dict[str, int]:
        """Map the variable that sets a port to the port, for each that will be listened on."""
        wanted = {"GEOSERVICES_API_PORT": self.api_port, "GEOSERVICES_PUSH_PORT": self.push_port}
        if self.database_url is None:
            wanted["GEOSERVICES_DATABASE_PORT"] = self.database_port
        if self.broker_url is None:
            wanted["GEOSERVICES_BROKER_PORT"] = self.broker_port
        return wanted


def load_configuration() -> Configuration:
    """Read the configuration.

    Raises:
        CannotGoOn: A variable holds something else than it should; each is named.
    """
    try:
        return Configuration()
    except ValidationError as error:
        wrong = "\n".join(
            f"  GEOSERVICES_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}"
            for e in error.errors(include_input=False)
        )
        raise CannotGoOn(f"The environment does not fit:\n{wrong}") from error


def check_ports(configuration: Configuration) -> None:
    """Make sure that nothing else listens where the stack is going to.

    Raises:
        CannotGoOn: A port is taken, or wanted twice; the message names the variable to set.
    """
    seen: dict[int, str] = {}
    for variable, port in configuration.ports().items():
        if port in seen:
            raise CannotGoOn(f"{seen[port]} and {variable} are both {port}; set one of them.")
        seen[port] = variable
        if not is_free(port):
            raise CannotGoOn(
                f"Port {port} on {HOST} is taken by {_listener(port)}. "
                f"Stop it, or set {variable} to a free port."
            )


def is_free(port: int) -> bool:
    """Say whether the loopback port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Pick a loopback port nobody listens on just now, another one each time.

    It is none that systems give to connections of their own accord, so that it is still free when
    a server gets there; and processes that pick at the same time begin at different ones.
    """
    while True:
        port = FREE_PORTS[next(_tries) % len(FREE_PORTS)]
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port


def _listener(port: int) -> str:
    # Whose ports they are is not told to everybody on every system.
    with suppress(psutil.Error):
        for connection in psutil.net_connections(kind="tcp"):
            here = connection.laddr and connection.laddr.port == port
            if here and connection.pid and connection.status == psutil.CONN_LISTEN:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "another program"
