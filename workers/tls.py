"""How a broker is reached by TLS: its certificate must be for the name that the URL has."""

import ssl
from typing import Any

AMQP = "amqps:"


def broker_tls(url: str) -> dict[str, Any] | None:
    """Return what Celery is told of TLS (`broker_use_ssl`) for a broker's URL, None for nothing.

    Without it an AMQP broker's certificate is verified and its name is not compared (RFC 9525). A
    URL of Redis or Valkey says itself how strict it is.
    """
    if not url.startswith(AMQP):
        return None
    # With no name of its own the transport compares the one in the URL.
    return {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None}
