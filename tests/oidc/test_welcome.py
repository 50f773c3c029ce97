"""Whom a provider's word lets in, as what, and what is written down of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import structlog
from httpx2 import Client
from sqlalchemy import select
from structlog.testing import capture_logs

from geoservices.accounts.models import Person, SignIn
from geoservices.audit.models import AuditEntry
from geoservices.database import SessionFactory, transaction
from geoservices.oidc import service
from geoservices.settings.entering import OidcSettings
from tests.api.asking import now
from tests.factories import make_person
from tests.oidc.conftest import Site, settings_for
from tests.oidc.identity import IdentityProvider, sign_in

SETTINGS = settings_for("https://login.devon.example")


def comes(sessions: SessionFactory, *groups: str) -> Any:
    """Let Anna come with these groups, and return what comes of it."""
    claims = {"sub": "anna", "groups": list(groups)}
    with transaction(sessions) as rows:
        return service.welcome(rows, SETTINGS, claims, lifetime=timedelta(1), at=now())


def written(sessions: SessionFactory, action: str) -> list[AuditEntry]:
    """What the audit log tells of an action."""
    with sessions() as rows:
        found = select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.number)
        return list(rows.scalars(found))


def role_of_anna(sessions: SessionFactory) -> str:
    """What Anna is."""
    with sessions() as rows:
        return rows.scalars(select(Person.role).where(Person.name == "anna")).one()


@pytest.mark.parametrize("group", ["council-staff", "council-managers"])
def test_the_last_admin_stays_one(
    devon: SessionFactory, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    """Until there is another; the log and the audit log say what the provider would have."""
    monkeypatch.setattr(service, "log", structlog.get_logger())
    comes(devon, "council-it")
    with capture_logs() as told:
        kept = comes(devon, group)
    before = role_of_anna(devon)
    with transaction(devon) as rows:
        anna = rows.scalars(select(Person)).one()
        other = make_person(rows)
        other.organisation_id, other.role = anna.organisation_id, "admin"
    comes(devon, group)

    role = {"council-staff": "staff", "council-managers": "manager"}[group]
    [entry] = written(devon, "keep_last_admin")
    assert isinstance(kept, str)
    assert (before, role_of_anna(devon)) == ("admin", role)
    assert (entry.subjects, entry.detail) == ([f"person:{anna.id}"], {"role": role})
    assert told == [
        {"event": "last_admin_kept", "log_level": "warning", "provider": "devon", "role": role}
    ]


def test_whose_role_is_gone_is_let_in_no_more_though_they_are_the_last_admin(
    devon: SessionFactory,
) -> None:
    """They belong to the organisation no more; it names another at the provider."""
    comes(devon, "council-it")
    refused = comes(devon, "choir")

    [entry] = written(devon, "sign_in_refused")
    assert refused.code == "oidc-no-role"
    assert entry.detail == {"reason": "oidc-no-role"}


def test_who_is_disabled_and_comes_is_written_down(
    site: Site, identity: IdentityProvider, browse: Callable[[], Client]
) -> None:
    """Though the answer is a refusal."""
    sign_in(browse(), site.url, "anna")
    with site.sessions() as rows, rows.begin():
        anna = rows.scalars(select(Person)).one()
        anna.disabled_at = now()
    back = sign_in(browse(), site.url, "anna")

    [entry] = written(site.sessions, "sign_in_refused")
    assert back.status_code == 403
    assert (entry.organisation_id, entry.subjects) == (anna.organisation_id, [f"person:{anna.id}"])
    assert entry.detail == {"reason": "oidc-member-disabled"}
    assert identity.slug == "devon"


def test_signing_out_says_where_to_go_on(site: Site, browser: Client) -> None:
    """To where the browser signs out of the provider as well."""
    sign_in(browser, site.url, "anna")
    browser.headers["X-CSRF-Token"] = browser.get(f"{site.url}/v1/session").json()["csrf_token"]
    out = browser.delete(f"{site.url}/v1/sign-in").json()
    there = browser.get(f"{site.url}{out['end_at']}")

    assert out == {"end_at": "/v1/oidc/devon/end"}
    assert site.holding() == set()
    assert "sign me out" in there.text


@pytest.mark.parametrize(
    "changes", [{"issuer": "https://login.elsewhere.example"}, {"organisation": "dorset"}]
)
def test_nobody_is_led_to_a_provider_that_is_not_theirs(
    devon: SessionFactory, changes: dict[str, str]
) -> None:
    """Theirs may be gone from the settings, and one issuer may vouch for two organisations."""
    comes(devon, "council-staff")
    other = settings_for(**({"issuer": SETTINGS.issuer} | changes))
    with transaction(devon) as rows:
        made = rows.scalars(select(SignIn)).one()
        found = [
            service.provider_of(rows, service.make_providers(settings, public_url="x"), made)
            for settings in (OidcSettings(providers=(one,)) for one in (SETTINGS, other))
        ]

    assert [one is not None for one in found] == [True, False]
