"""The one place with the command lines of the service's processes and what they are told."""

import os
import secrets
import sys
from pathlib import Path

from geoservices.codes.links import make_code_key
from geoservices.push.vapid import make_vapid_key
from local.configuration import HOST, Configuration
from local.console import STARTED_BY
from local.credentials import keep

STORY = "story"

BIN = Path(sys.executable).parent

PREPARATION = (
    ("alembic", "upgrade", "head"),
    (
        *("geoservices", "organisation", "create", "devon"),
        *("--name", "Devon County Council", "--time-zone", "Europe/London"),
    ),
    (
        *("geodata", "import", "geodata/samples/devon-libraries.geojson"),
        *("--source", "devon-libraries", "--organisation", "devon", "--margin-m", "25"),
    ),
)
"""What brings the database to where the story begins; run again, they change nothing."""

Commands = dict[str, tuple[str, ...]]


def program(name: str) -> str:
    """Name a program of the virtual environment that runs this."""
    return str(BIN / name)


def commands(configuration: Configuration) -> Commands:
    """List the processes of the running service, in the order they are started."""
    schedule = str(configuration.data_dir / "beat-schedule")
    return {
        "api": (
            *(program("uvicorn"), "api.main:app", "--host", HOST),
            *("--port", str(configuration.api_port), "--no-access-log"),
        ),
        "relay": (program("python"), "-m", "workers.relay"),
        "worker": (
            *(program("celery"), "-A", "workers.app", "worker", "--concurrency", "2"),
            *("--loglevel", "INFO", "--without-gossip", "--without-mingle"),
        ),
        "beat": (program("celery"), "-A", "workers.app", "beat", "--schedule", schedule),
        "push": (
            *(program("python"), "-m", "local.pushservice"),
            *("--port", str(configuration.push_port)),
        ),
    }


def story(configuration: Configuration, *, as_json: bool) -> tuple[str, ...]:
    """Name the command that plays the demo's story against the running service."""
    return (
        *(program("python"), "-m", "local.story", "--api", configuration.api_url),
        *("--push", configuration.push_url, *(["--json"] if as_json else [])),
    )


def mark(data_dir: Path) -> dict[str, str]:
    """Tell the processes of this data folder's stack from all others."""
    return {STARTED_BY: str(data_dir)}


def environment(
    configuration: Configuration, *, database_url: str, broker_url: str
) -> dict[str, str]:
    """Make the environment every process of the service gets.

    What the person running it has set for the public URL or the keys stays as it is.
    """
    not_by_proxy = os.environ.get("NO_PROXY", os.environ.get("no_proxy", ""))
    loopback = ",".join(filter(None, [not_by_proxy, HOST, "localhost"]))
    return {
        "GEOSERVICES_PUBLIC_URL": configuration.api_url,
        "GEOSERVICES_PUSH__VAPID_CONTACT": "mailto:demo@example.org",
        "GEOSERVICES_PUSH__VAPID_PRIVATE_KEY": keep(
            configuration.data_dir / "vapid-private-key", make_vapid_key
        ),
        "GEOSERVICES_CODES__KEY": keep(configuration.data_dir / "code-key", make_code_key),
        "GEOSERVICES_SIGN_IN__KEY": keep(configuration.data_dir / "sign-in-key", make_code_key),
        "GEOSERVICES_PHONES__SECRET": keep(
            configuration.data_dir / "phones-secret", lambda: secrets.token_urlsafe(32)
        ),
        # Everybody comes from this machine.
        "GEOSERVICES_LIMITS__DEVICES_BY_ADDRESS": "100000/PT1H",
        "GEOSERVICES_FILES__URL": f"file:{configuration.data_dir / 'files'}",
        **os.environ,
        "GEOSERVICES_DATABASE_URL": database_url,
        "GEOSERVICES_BROKER_URL": broker_url,
        "GEOSERVICES_PUSH__ALLOW_LOOPBACK": "true",
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": loopback,
        "no_proxy": loopback,
        **mark(configuration.data_dir),
    }
