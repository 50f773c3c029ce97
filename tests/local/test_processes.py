"""The processes' command lines and environment: they exist, and leave a person's settings be."""

import importlib.util
from pathlib import Path

import pytest

from geoservices.settings.service import load_settings
from local.configuration import Configuration
from local.processes import BIN, PREPARATION, commands, environment, story

URLS = {"database_url": "postgresql://d", "broker_url": "redis://b"}


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """A configuration in the test's own folder."""
    return Configuration(data_dir=tmp_path, api_port=18080, push_port=18090)


def test_every_program_and_module_is_there(configuration: Configuration) -> None:
    """A renamed module is noticed here, not by the first person who runs the demo."""
    lines = [*commands(configuration).values(), story(configuration, as_json=True)]

    for line in [*lines, *PREPARATION]:
        assert (BIN / line[0]).exists()
    for program, option, module, *_ in lines:
        named = module if option in {"-m", "-A"} else option.partition(":")[0]
        assert importlib.util.find_spec(named), f"{program} is given {named}"


def test_the_environment_satisfies_the_settings(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names are those that the service reads."""
    for name, value in environment(configuration, **URLS).items():
        monkeypatch.setenv(name, value)

    settings = load_settings()

    assert settings.database_url.get_secret_value() == URLS["database_url"]
    assert settings.public_url == "http://127.0.0.1:18080"
    assert settings.push.allow_loopback


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("GEOSERVICES_PUSH__VAPID_PRIVATE_KEY", "vapid-private-key"),
        ("GEOSERVICES_CODES__KEY", "code-key"),
    ],
)
def test_a_key_is_made_once_and_kept_private(
    configuration: Configuration, name: str, file: str
) -> None:
    """A new one would end every subscription, or make every poster worthless."""
    keys = {environment(configuration, **URLS)[name] for _ in range(2)}

    assert len(keys) == 1
    assert (configuration.data_dir / file).stat().st_mode & 0o777 == 0o600


def test_what_a_person_set_stays(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The public address differs behind a proxy; loopback is never asked of one."""
    monkeypatch.setenv("GEOSERVICES_PUBLIC_URL", "https://here.example.org")
    monkeypatch.setenv("NO_PROXY", "intranet")

    env = environment(configuration, **URLS)

    assert env["GEOSERVICES_PUBLIC_URL"] == "https://here.example.org"
    assert env["NO_PROXY"] == "intranet,127.0.0.1,localhost"
