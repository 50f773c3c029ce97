"""A broker reached by TLS must be the one that is meant."""

import socket
import ssl
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from tests.serving_tls import serving_tls
from workers.tls import broker_tls


def reach(folder: Path, host: str, monkeypatch: pytest.MonkeyPatch) -> tuple[BaseException, int]:
    """Why a server for `host` that speaks no AMQP is not spoken with, and how many came to it."""
    with serving_tls(folder, host=host) as service:
        monkeypatch.setenv("SSL_CERT_FILE", str(service.certificate))
        # Named so, since the transport takes `localhost` for the address; no machine knows it.
        monkeypatch.setattr(socket, "getaddrinfo", partial(_found, socket.getaddrinfo))
        url = f"amqps://broker.localhost:{urlsplit(service.url).port}//"
        application = Celery("tried", broker=url)
        application.conf.update(broker_use_ssl=broker_tls(url))
        with (
            application.connection_for_write(connect_timeout=5) as connection,
            pytest.raises((OperationalError, OSError)) as failed,
        ):
            connection.ensure_connection(max_retries=1, timeout=5)
    return failed.value, service.connections


def test_a_broker_with_anothers_certificate_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the authority is trusted."""
    refusal, _ = reach(tmp_path, "other.localhost", monkeypatch)

    assert "Hostname mismatch" in str(refusal)


def test_the_broker_itself_is_spoken_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as one that is none can be."""
    refusal, connections = reach(tmp_path, "broker.localhost", monkeypatch)

    assert connections > 0
    assert "certificate" not in str(refusal).lower()


@pytest.mark.parametrize("url", ["amqp://a:b@broker:5672/", "rediss://broker:6379/0"])
def test_other_brokers_are_told_nothing(url: str) -> None:
    """One has no TLS, the other says in its URL how strict it is."""
    assert broker_tls(url) is None
    assert broker_tls("amqps://broker/") == {
        "cert_reqs": ssl.CERT_REQUIRED,
        "server_hostname": None,
    }


def _found(look_up: Any, host: str, *rest: Any, **named: Any) -> Any:
    return look_up("127.0.0.1" if host == "broker.localhost" else host, *rest, **named)
