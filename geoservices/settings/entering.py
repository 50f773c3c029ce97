"""Who is let in, how, and how often they may ask."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from geoservices.settings.kinds import KeyText, RateText, Span, SpanOrNone
from geoservices.settings.providers import ProviderSettings


class SignInSettings(BaseModel, frozen=True, extra="forbid"):
    """How members sign in, and for how long (OWASP ASVS 2 and 3)."""

    key: KeyText | None = None
    """Seals the secrets of second factors; without it none can be set up.

    32 bytes in base64url without padding (`geoservices sign-in-key`).
    """
    old_keys: tuple[KeyText, ...] = ()
    """Keys of before: what they sealed is sealed anew when its member next signs in."""
    lifetime: Span = timedelta(hours=12)
    """A sign-in ends this long after it was made,"""
    idle: Annotated[timedelta, Field(ge=timedelta(minutes=15), le=timedelta(days=30))] = timedelta(
        hours=2
    )
    """or when it was not used for this long."""
    demand_second_factor: bool = False
    """Managers and admins with a password can do nothing but set up a second factor until then."""
    invitation_lifetime: Span = timedelta(hours=72)
    reset_lifetime: Span = timedelta(hours=1)
    hash_memory_kib: Annotated[int, Field(ge=7168, le=1_048_576)] = 19_456
    """Memory that hashing a password takes; this and the next as OWASP recommends for argon2id."""
    hash_rounds: Annotated[int, Field(ge=1, le=20)] = 2
    hashes_at_once: Annotated[int, Field(ge=1, le=64)] = 1
    """How many passwords one process hashes at the same time, each on a core; more wait."""


class OidcSettings(BaseModel, frozen=True, extra="forbid"):
    """How members sign in with identity providers (OpenID Connect Core 1.0)."""

    providers: tuple[ProviderSettings, ...] = ()
    """Each with members of `providers.ProviderSettings`; with none, nobody does."""
    sign_in_lifetime: Span = timedelta(hours=10)
    """Who signed in with a provider is asked to do so again after this long."""
    timeout: Span = timedelta(seconds=5)
    """The longest one request to a provider may take, name look-up and answer included."""
    ca_file: Path | None = None
    """Certificates in PEM that vouch for providers in place of the system's."""
    allow_loopback: bool = False
    """Also allow providers on loopback, by `http` too; for tests only."""

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> Self:
        slugs = {one.slug for one in self.providers}
        issuers = {(one.organisation, one.issuer) for one in self.providers}
        if min(len(slugs), len(issuers)) < len(self.providers):
            raise ValueError("providers must differ in slug, and an organisation's in issuer")
        if not self.allow_loopback and any(
            not one.issuer.startswith("https://") for one in self.providers
        ):
            raise ValueError("every provider's issuer must start with https://")
        return self


class DeviceSettings(BaseModel, frozen=True, extra="forbid"):
    """How long what a device is known by goes on being of use."""

    token_age: Span = timedelta(days=30)
    """A browser's cookie that is older than this is exchanged for a new one."""
    token_overlap: SpanOrNone = timedelta(minutes=1)
    """The token of before still counts this long after the next one was first used."""
    joining_code_lifetime: Span = timedelta(minutes=10)
    """A code by which another device joins is worthless after this long."""


class LimitSettings(BaseModel, frozen=True, extra="forbid"):
    """How often something may be asked for, counted for all processes together."""

    requests_by_address: RateText = "6000/PT1M"
    """Requests from one address; a library's visitors may share one."""
    requests_by_token: RateText = "1200/PT1M"  # noqa: S105  # It is a rate.
    """Requests with one token, those with pings too."""
    devices_by_address: RateText = "600/PT1H"
    """New devices from one address."""
    joining_by_address: RateText = "20/PT1H"
    """Codes tried from one address by which a device joins another."""
    joining_altogether: RateText = "5000/PT1H"
    """The same from everywhere, so that many addresses guess no better."""
    sign_in_by_account: RateText = "10/PT15M"
    """Passwords tried for one account."""
    sign_in_by_address: RateText = "100/PT15M"
    """Passwords tried from one address."""
    provider_by_address: RateText = "600/PT15M"
    """Answers of identity providers brought from one address; for each the provider is asked."""
    second_factor_by_account: RateText = "5/PT15M"
    """Second factors tried for one account."""
    reset_by_account: RateText = "3/PT1H"
    """Links to a new password for one account."""
    reset_by_address: RateText = "30/PT1H"
    """Links to a new password asked for from one address."""
    redeeming_by_scanner: RateText = "300/PT10M"
    """Codes of offers tried by one member or machine."""
    exports_by_person: RateText = "3/P1D"
    """Exports of what is held about one person."""
    replays_by_organisation: RateText = "30/P1D"
    """Replays of campaigns for one organisation: each more tells a little more of few people."""
