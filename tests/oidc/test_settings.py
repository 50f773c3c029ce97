"""What can be said of providers in the settings."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from geoservices.codes.links import make_code_key
from geoservices.push.endpoints import is_private
from geoservices.push.vapid import make_vapid_key
from geoservices.settings.entering import OidcSettings
from geoservices.settings.service import load_settings
from tests.oidc.conftest import settings_for

ISSUER = "https://login.devon.example/realms/council"


def test_providers_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one list of JSON."""
    provider = {
        "slug": "devon",
        "name": "Devon",
        "organisation": "devon",
        "issuer": ISSUER,
        "client_id": "geoservices",
        "client_secret": "open sesame",
        "roles": {"council-it": "admin"},
    }
    _set(monkeypatch, provider)

    [read] = load_settings().oidc.providers

    assert (read.issuer, read.roles) == (ISSUER, {"council-it": "admin"})
    assert read.client_secret.get_secret_value() == "open sesame"
    assert "open sesame" not in repr(read)


def test_a_fault_in_the_settings_tells_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong is named, and what was set is not repeated."""
    _set(monkeypatch, {"slug": "devon", "client_secret": "open sesame"})

    with pytest.raises(ValidationError) as refused:
        load_settings()

    assert "oidc.providers.0.issuer" in str(refused.value)
    assert "open sesame" not in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://login.devon.example"},
        {"issuer": "login.devon.example"},
        {"issuer": "https://login.devon.example?tenant=1"},
        {"issuer": "https://anna@login.devon.example"},
        {"slug": "De von"},
        {"scopes": ["profile"]},
        {"roles": {}, "default_role": None},
        {"roles": {"council-it": "citizen"}},
        {"unknown": 1},
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, Any]) -> None:
    """At the start, and not when somebody signs in."""
    with pytest.raises(ValidationError):
        OidcSettings(providers=(settings_for(changes.pop("issuer", ISSUER), **changes),))


def test_providers_can_be_told_apart() -> None:
    """By their short names; and within an organisation by their issuers."""
    one = settings_for(ISSUER)
    for other in (settings_for("https://other.example"), settings_for(ISSUER, slug="other")):
        with pytest.raises(ValidationError):
            OidcSettings(providers=(one, other))
    both = OidcSettings(providers=(one, settings_for(ISSUER, slug="b", organisation="dorset")))

    assert len(both.providers) == 2


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("10.1.2.3", True),
        ("172.31.255.1", True),
        ("192.168.0.1", True),
        ("fd00::1", True),
        ("172.32.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("::1", False),
        ("fe80::1", False),
        ("::ffff:169.254.169.254", False),
        ("8.8.8.8", False),
    ],
)
def test_an_organisations_own_network_is_no_more_than_that(address: str, is_one: bool) -> None:  # noqa: FBT001
    """What a hoster tells its machines about themselves is not in it."""
    assert is_private(address) is is_one


def _set(monkeypatch: pytest.MonkeyPatch, provider: dict[str, Any]) -> None:
    for name, told in {
        "DATABASE_URL": "postgresql://unused",
        "BROKER_URL": "redis://unused",
        "PUSH__VAPID_PRIVATE_KEY": make_vapid_key(),
        "PUSH__VAPID_CONTACT": "mailto:test@example.org",
        "CODES__KEY": make_code_key(),
        "OIDC__PROVIDERS": json.dumps([provider]),
    }.items():
        monkeypatch.setenv(f"GEOSERVICES_{name}", told)
