"""Settings that would lose or double something do not start."""

from typing import Any

import pytest
from pydantic import ValidationError

from geoservices.codes.links import make_code_key
from geoservices.push.vapid import make_vapid_key
from geoservices.settings.presence import CampaignSettings, IntakeSettings, PresenceSettings
from geoservices.settings.sending import MailSettings, PushSettings
from geoservices.settings.service import load_settings
from geoservices.settings.showing import MapSettings


def push(**changes: Any) -> PushSettings:
    """Push settings that differ from the defaults by so much."""
    return PushSettings.model_validate(
        {"vapid_private_key": make_vapid_key(), "vapid_contact": "mailto:a@example.org"} | changes
    )


def test_the_defaults_fit_together() -> None:
    """Whoever sets only what must be set gets a service that works."""
    settings = push()

    assert settings.lease > settings.timeout


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"lease": "PT10S"}, id="a lease as short as one push"),
        pytest.param({"concurrency": 50}, id="ten rounds of pushes in a lease for three"),
        pytest.param({"timeout": "PT0S"}, id="no time to push"),
        pytest.param({"lease": "-PT30S"}, id="a lease that ended before it began"),
        pytest.param({"vapid_private_key": "secret"}, id="a key that is none"),
        pytest.param({"vapid_contact": "ops@example.org"}, id="a contact that is no address"),
        pytest.param({"max_atempts": 3}, id="a name misspelt"),
    ],
)
def test_push_settings_that_cannot_work_are_refused(changes: dict[str, Any]) -> None:
    """A job that outlasts its lease sends twice; better not to start."""
    with pytest.raises(ValidationError):
        push(**changes)


def test_fewer_pushes_at_once_need_a_longer_lease() -> None:
    """Ten rounds of ten seconds fit into two minutes."""
    assert push(concurrency=50, lease="PT2M").concurrency == 50


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"host": "mail.example.org"}, id="from nobody"),
        pytest.param({"sender": "Devon Libraries"}, id="a sender without an address"),
        pytest.param({"sender": "a@b.example\r\nBcc: c@d.example"}, id="a sender with a header"),
        pytest.param({"username": "geoservices"}, id="a name without a password"),
        pytest.param(
            {"host": "mail.example.org", "sender": "a@b.example", "security": "none"},
            id="unprotected, and not on loopback",
        ),
        pytest.param({"security": "ssl"}, id="a protection that is none"),
        pytest.param({"lease": "PT3M"}, id="a lease as short as one job"),
        pytest.param({"port": 0}, id="no port"),
    ],
)
def test_mail_settings_that_cannot_work_are_refused(changes: dict[str, Any]) -> None:
    """Nor those that would send passwords for everyone to read."""
    with pytest.raises(ValidationError):
        MailSettings.model_validate(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"host": "mail.example.org", "sender": "a@b.example"},
        {"host": "::1", "sender": "Devon <a@b.example>", "security": "none"},
        {"host": "localhost", "sender": "a@b.example", "security": "none"},
        {"host": "10.0.0.1", "sender": "a@b.example", "username": "a", "password": "b"},
    ],
)
def test_mail_settings_that_can_work_are_taken(changes: dict[str, Any]) -> None:
    """Without a host there is no e-mail, and nothing else is needed."""
    assert MailSettings.model_validate(changes).host == changes.get("host")


@pytest.mark.parametrize(
    ("settings", "values"),
    [
        pytest.param(IntakeSettings, {"ping_retention": "-P1D"}, id="kept for less than nothing"),
        pytest.param(IntakeSettings, {"oldest": "PT0S"}, id="everything is too old"),
        pytest.param(PresenceSettings, {"silence": "PT0S"}, id="silent at once"),
        pytest.param(PresenceSettings, {"exit_margin_share": 1.5}, id="more than the whole"),
        pytest.param(PresenceSettings, {"certainty": 0.5}, id="surer than the phone itself"),
        pytest.param(PresenceSettings, {"jump_speed_mps": 0}, id="whoever moves has jumped"),
        pytest.param(PresenceSettings, {"confirm_exit_after": "PT1H"}, id="after silence"),
        pytest.param(PresenceSettings, {"told_silence": "PT1M"}, id="a word that counts for less"),
        pytest.param(CampaignSettings, {"person_cap": 0}, id="nobody is ever told"),
    ],
)
def test_values_out_of_range_are_refused(settings: type[Any], values: dict[str, Any]) -> None:
    """Each group of settings knows its ranges."""
    with pytest.raises(ValidationError):
        settings.model_validate(values)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nested values use two underscores; times are ISO 8601; secrets are not shown."""
    key = make_vapid_key()
    for name, value in {
        "DATABASE_URL": "postgresql://u:hidden@localhost/db",
        "BROKER_URL": "redis://localhost",
        "PUSH__VAPID_PRIVATE_KEY": key,
        "PUSH__VAPID_CONTACT": "mailto:a@example.org",
        "CODES__KEY": make_code_key(),
        "PUSH__TIMEOUT": "PT5S",
        "PUSH__ALLOWED_HOSTS": '["push.example.org"]',
        "INTAKE__MAX_BATCH": "10",
    }.items():
        monkeypatch.setenv(f"GEOSERVICES_{name}", value)

    settings = load_settings()

    assert settings.push.timeout.total_seconds() == 5
    assert settings.push.allowed_hosts == ("push.example.org",)
    assert settings.intake.max_batch == 10
    assert "hidden" not in repr(settings)
    assert key not in repr(settings)


RASTER = "https://maps.devon.example/{z}/{x}/{y}.png"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"base_attribution": None}, id="nobody's map"),
        pytest.param({"base_style_url": "https://maps.devon.example/s.json"}, id="two maps"),
        pytest.param({"base_raster_url": "https://maps.devon.example/0.png"}, id="one picture"),
        pytest.param({"base_raster_url": "/{z}/{x}/{y}.png"}, id="no origin"),
        pytest.param({"base_raster_url": f"https://*.example;/{RASTER}"}, id="more of a policy"),
        pytest.param({"base_attribution_url": "javascript:alert(1)"}, id="a link that does things"),
    ],
)
def test_a_base_map_that_would_show_nothing_is_refused(changes: dict[str, Any]) -> None:
    """Or more than it should."""
    told = {"base_raster_url": RASTER, "base_attribution": "© Devon"}

    assert MapSettings.model_validate(told).base_origin == "https://maps.devon.example"
    with pytest.raises(ValidationError):
        MapSettings.model_validate(told | changes)
