"""docker-compose.yml, Dockerfile and .env.example say the same as the code."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from kombu import Connection
from sqlalchemy import make_url

from geoservices.codes.links import make_code_key
from geoservices.push.vapid import make_vapid_key
from geoservices.settings.service import load_settings
from local import processes
from local.configuration import Configuration
from tests.settings_names import settings

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "tests/data/compose/compose-spec.json"

SERVERS = {"database": "postgis/postgis", "broker": "rabbitmq"}
ONCE = {"migrate"}
WITHOUT_HEALTH_CHECK = {"migrate", "relay", "beat"}
"""The first ends by itself; the others listen nowhere, and end when they cannot go on."""
DEMO_ONLY = {"push"}
"""Processes of `local` that production has from elsewhere."""
OF_THE_MACHINE = {"--host", "--port", "--schedule"}
"""Options whose values are a machine's own."""

VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<sign>[-?])(?P<rest>[^}]*))?\}")
SAMPLES = {
    "POSTGRES_PASSWORD": "open-sesame",
    "POSTGRES_OWNER_PASSWORD": "open-wheat",
    "POSTGRES_APP_PASSWORD": "open-oats",
    "RABBITMQ_PASSWORD": "open-barley",
    "GEOSERVICES_PUSH__VAPID_PRIVATE_KEY": make_vapid_key(),
    "GEOSERVICES_PUSH__VAPID_CONTACT": "mailto:demo@example.org",
    "GEOSERVICES_CODES__KEY": make_code_key(),
    "GEOSERVICES_SIGN_IN__KEY": make_code_key(),
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The Compose file, its anchors and merges resolved."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every service by its name."""
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


@pytest.fixture(scope="module")
def ours(services: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The services that run our own image."""
    return {name: service for name, service in services.items() if name not in SERVERS}


def test_the_file_follows_the_compose_specification(compose: dict[str, Any]) -> None:
    """The specification's own schema finds nothing wrong."""
    schema = json.loads(SCHEMA.read_text("utf-8"))

    faults = [error.message for error in Draft7Validator(schema).iter_errors(compose)]

    assert faults == []


def test_docker_itself_can_read_the_file() -> None:
    """`docker compose config` agrees, where the plugin is installed."""
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("docker is not installed")
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker has no compose plugin")

    done = subprocess.run(
        [docker, "compose", "--file", ROOT / "docker-compose.yml", "config", "--quiet"],
        env={**os.environ, **SAMPLES},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_the_commands_are_those_of_the_local_stack(ours: dict[str, dict[str, Any]]) -> None:
    """The same processes with the same options, apart from where they listen and write."""
    local = processes.commands(Configuration(data_dir=Path("/tmp/nowhere")))  # noqa: S108
    expected = {
        **{name: _essence(line) for name, line in local.items() if name not in DEMO_ONLY},
        "migrate": _essence(processes.PREPARATION[0]),
    }

    assert {name: _essence(service["command"]) for name, service in ours.items()} == expected


def test_every_setting_can_be_given_and_nothing_else(ours: dict[str, dict[str, Any]]) -> None:
    """Names that no setting has would be silently ignored; names left out could not be set."""
    names = {setting.name for setting in settings()}

    for name in ours.keys() - ONCE:
        assert set(ours[name]["environment"]) == names
    assert set(ours["migrate"]["environment"]) == {"GEOSERVICES_DATABASE_URL"}


def test_what_must_be_given_is_asked_for(ours: dict[str, dict[str, Any]]) -> None:
    """A required setting has a value, which stops with a message where a secret is missing."""
    required = {setting.name for setting in settings() if setting.default is None}
    environment = ours["api"]["environment"]

    assert {name for name, value in environment.items() if value is not None} == required
    for name in required:
        found = VARIABLE.search(environment[name])
        assert found, name
        assert found["sign"] == "?", name
        assert found["rest"], name


def test_the_environment_makes_settings_that_lead_to_the_servers(
    ours: dict[str, dict[str, Any]],
    services: dict[str, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the secrets filled in, the settings load and name the other services' addresses."""
    for setting in settings():
        monkeypatch.delenv(setting.name, raising=False)
    for name, value in ours["api"]["environment"].items():
        if value is not None:
            monkeypatch.setenv(name, _filled_in(value))

    loaded = load_settings()

    assert loaded.database_url.get_secret_value() == _filled_in(
        ours["api"]["environment"]["GEOSERVICES_DATABASE_URL"]
    )
    broker = Connection(loaded.broker_url.get_secret_value())
    of_rabbitmq = _all_filled_in(services["broker"]["environment"])
    assert (broker.transport_cls, broker.hostname, broker.port) == ("amqp", "broker", 5672)
    assert (broker.userid, broker.password) == (
        of_rabbitmq["RABBITMQ_DEFAULT_USER"],
        of_rabbitmq["RABBITMQ_DEFAULT_PASS"],
    )


def test_nothing_of_ours_logs_in_as_a_superuser(
    ours: dict[str, dict[str, Any]], services: dict[str, dict[str, Any]]
) -> None:
    """What keeps partitions or migrates does so as the owner; the rest may only ask as a role."""
    of_postgres = _all_filled_in(services["database"]["environment"])
    urls = {
        name: make_url(_filled_in(service["environment"]["GEOSERVICES_DATABASE_URL"]))
        for name, service in ours.items()
    }
    as_owner = {name for name, url in urls.items() if url.username == of_postgres["DATABASE_OWNER"]}

    assert as_owner == {"migrate", "worker"}
    for name, url in urls.items():
        which = "OWNER" if name in as_owner else "LOGIN"
        assert (url.host, url.port, url.database) == ("database", 5432, of_postgres["POSTGRES_DB"])
        assert (url.username, url.password) == (
            of_postgres[f"DATABASE_{which}"],
            of_postgres[f"DATABASE_{which}_PASSWORD"],
        )
        assert url.username != of_postgres["POSTGRES_USER"]


def test_the_logins_are_made_before_anything_logs_in(services: dict[str, dict[str, Any]]) -> None:
    """By a script that is there, which the database's image runs behind its own."""
    [script] = [one for one in services["database"]["volumes"] if "initdb.d" in one]
    source, target, mode = script.split(":")

    assert (ROOT / source).exists()
    assert target > "/docker-entrypoint-initdb.d/10_postgis.sh"
    assert mode == "ro"


def test_the_example_names_every_variable(services: dict[str, dict[str, Any]]) -> None:
    """`.env.example` holds what must be filled in, left empty, and only names that exist."""
    example = _example()
    used = {found["name"]: found["sign"] for found in VARIABLE.finditer(yaml.safe_dump([services]))}
    known = {setting.name for setting in settings()}

    assert example.keys() - used.keys() <= known
    assert used.keys() <= example.keys()
    for name, sign in used.items():
        assert (example[name] == "") is (sign == "?"), name


def test_what_fails_is_started_again(services: dict[str, dict[str, Any]]) -> None:
    """Everything that serves has a restart policy; what runs once has none."""
    policies = {name: service["restart"] for name, service in services.items()}

    assert policies == {name: "no" if name in ONCE else "unless-stopped" for name in services}


def test_health_is_looked_at(services: dict[str, dict[str, Any]]) -> None:
    """Whatever can be asked how it is has a check, and the API's asks whether it is ready."""
    checked = {name for name, service in services.items() if "healthcheck" in service}

    assert checked == services.keys() - WITHOUT_HEALTH_CHECK
    assert "/health/ready" in services["api"]["healthcheck"]["test"][-1]


def test_nothing_starts_too_early(
    services: dict[str, dict[str, Any]], ours: dict[str, dict[str, Any]]
) -> None:
    """The migration waits for the database, and the service for the migration."""
    waits = {
        name: {on: how["condition"] for on, how in service["depends_on"].items()}
        for name, service in ours.items()
    }
    healthy = dict.fromkeys(SERVERS, "service_healthy")

    assert waits.pop("migrate") == {"database": "service_healthy"}
    for name, conditions in waits.items():
        assert conditions == {**healthy, "migrate": "service_completed_successfully"}, name
    assert not any("depends_on" in services[name] for name in SERVERS)


def test_only_the_api_is_reachable_and_from_this_machine_alone(
    services: dict[str, dict[str, Any]],
) -> None:
    """No port but the API's is published, and on the loopback address unless told otherwise."""
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}

    assert {name: list(map(_filled_in, ports)) for name, ports in published.items()} == {
        "api": ["127.0.0.1:8080:8080"]
    }


def test_our_processes_can_change_nothing(ours: dict[str, dict[str, Any]]) -> None:
    """No capability, no way to get one, and a read-only file system with a temporary folder."""
    for name, service in ours.items():
        assert service["read_only"] is True, name
        assert service["tmpfs"] == ["/tmp"], name  # noqa: S108
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_data_outlives_its_container(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    """Both servers keep their data on a named volume."""
    for name in SERVERS:
        volume, *_scripts = services[name]["volumes"]
        assert volume.partition(":")[0] in compose["volumes"]


def test_the_servers_are_pinned_and_new_enough(services: dict[str, dict[str, Any]]) -> None:
    """Each server's image names its version: PostgreSQL 15, PostGIS 3.3, RabbitMQ 4 or later."""
    tags = {}
    for name, image in SERVERS.items():
        repository, _, tags[name] = services[name]["image"].partition(":")
        assert repository == image
    postgres, postgis = tags["database"].split("-")

    assert int(postgres) >= 15
    assert tuple(map(int, postgis.split("."))) >= (3, 3)
    assert tuple(map(int, tags["broker"].split("."))) >= (4, 0)


def test_the_image_holds_every_package_and_nothing_private() -> None:
    """All packages but the developers' are copied, each thing copied is let in, and no more is."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    include = project["tool"]["setuptools"]["packages"]["find"]["include"]
    copied = {
        source.rstrip("/")
        for words in _instructions("COPY")
        if not words[0].startswith("--from")
        for source in words[:-1]
    }
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = {line[1:] for line in ignore if line.startswith("!")}

    assert {pattern.rstrip("*") for pattern in include} - copied == {"local"}
    assert {"alembic", "alembic.ini", "requirements.txt"} <= copied
    assert all((ROOT / source).exists() for source in copied)
    assert "*" in ignore
    assert let_in == copied


def test_the_image_is_built_from_locked_packages_for_our_python() -> None:
    """The base image is the Python of the checks; what is installed must match its hash."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    bases = {words[0] for words in _instructions("FROM")}
    installs = [words for words in _instructions("RUN") if words[:2] == ["pip", "install"]]

    assert all(
        base.startswith(f"python:{project['tool']['mypy']['python_version']}-") for base in bases
    )
    assert "--require-hashes" in installs[0]
    assert "requirements.txt" in installs[0]
    assert "--no-deps" in installs[1]
    assert len(installs) == 2


def test_the_image_runs_the_api_as_nobody_in_particular(ours: dict[str, dict[str, Any]]) -> None:
    """Without a command the image is the API, and never root."""
    [command] = _instructions("CMD")
    [user] = _instructions("USER")

    assert json.loads(" ".join(command)) == ours["api"]["command"]
    assert int(user[0].partition(":")[0]) > 0


def _essence(command: Sequence[str]) -> list[str]:
    """Return a command without its folder and without what is a machine's own."""
    program, *arguments = command
    masked = [
        "*" if before in OF_THE_MACHINE else word
        for before, word in zip(["", *arguments], arguments, strict=False)
    ]
    return [Path(program).name, *masked]


def _filled_in(value: object) -> str:
    """Return what Compose would make of a value with the sample secrets."""
    return VARIABLE.sub(lambda found: SAMPLES.get(found["name"], found["rest"]), str(value))


def _all_filled_in(environment: Mapping[str, object]) -> dict[str, str]:
    return {name: _filled_in(value) for name, value in environment.items()}


def _example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name: value for name, _, value in pairs}


def _instructions(keyword: str) -> list[list[str]]:
    """Return the words of each instruction of that name, lines that go on joined."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.split() for line in text.splitlines()]
    return [words for [first, *words] in filter(None, lines) if first == keyword]
