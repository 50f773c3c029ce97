"""The service's configuration, read once in each process and handed to whoever needs it."""

import re
from datetime import timedelta
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from geoservices.provider_settings import ProviderSettings
from geoservices.rates import read_rate
from geoservices.sign_in_settings import KeyText, SignInSettings, Span

SpanOrNone = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=3660))]
"""A length of time that may be nothing."""
Fraction = Annotated[float, Field(ge=0, le=1)]
Metres = Annotated[float, Field(ge=0, le=100_000)]
Certainty = Annotated[float, Field(ge=1, le=5)]
"""How many accuracies wide the circle is that counts as certain."""


DELIVERIES_A_JOB = 500
"""How many deliveries the relay hands to one job."""


class PushSettings(BaseModel, frozen=True, extra="forbid"):
    """How notifications leave for the browsers' push services (RFC 8030, RFC 8292)."""

    vapid_private_key: KeyText
    """P-256 private key: 32 bytes in base64url without padding (`geoservices vapid-key`)."""
    vapid_old_private_keys: tuple[KeyText, ...] = ()
    """Keys of before: what was subscribed with them is still pushed to with them."""
    vapid_contact: Annotated[str, Field(pattern=r"^(mailto:[^\s@]+@[^\s@]+|https://\S+)$")]
    """Where a push service may complain: a real `mailto:` or `https:` address."""
    allowed_hosts: tuple[str, ...] = (
        "fcm.googleapis.com",
        "jmt17.google.com",
        "push.services.mozilla.com",
        "notify.windows.com",
        "push.apple.com",
    )
    """Push services that may be used: each host itself and every host below it."""
    allow_loopback: bool = False
    """Also allow loopback addresses, on any port and by `http` too; for tests and the demo only."""
    timeout: Span = timedelta(seconds=10)
    """The longest one push may take, name look-up and answer included."""
    ca_file: Path | None = None
    """Certificates in PEM that vouch for push services in place of the system's."""
    concurrency: Annotated[int, Field(ge=1, le=2000)] = 500
    """How many pushes one process sends at the same time."""
    lease: Span = timedelta(seconds=30)
    """A claimed delivery falls due again after this long; longer than `timeout`."""
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 6
    age_out_after: Span = timedelta(days=60)
    """A subscription that no browser has renewed for this long may be dead: see the next two."""
    age_out_unseen: Annotated[int, Field(ge=1)] = 5
    """It is if so many pushes in a row were accepted for it, and none was ever shown,"""
    age_out_unseen_over: SpanOrNone = timedelta(days=14)
    """and at least this long lies between the first of those and the last."""

    @model_validator(mode="after")
    def _lease_outlasts_a_job(self) -> Self:
        rounds = -(-DELIVERIES_A_JOB // self.concurrency)
        if self.lease <= rounds * self.timeout:
            raise ValueError(
                f"lease must be longer than {rounds} times timeout: a job sends "
                f"{DELIVERIES_A_JOB} messages, {self.concurrency} at a time, and what it has not "
                "sent when its lease ends is sent twice"
            )
        return self


LETTERS_A_JOB = 10
"""How many letters the relay hands to one job."""


def _sender_shaped(sender: str) -> str:
    _name, address = parseaddr(sender)
    if not sender.isprintable() or not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", address):
        raise ValueError("must be an address, with or without a name before it: Name <a@b.example>")
    return sender


class MailSettings(BaseModel, frozen=True, extra="forbid"):
    """How letters leave for people's e-mail addresses (RFC 5321); without `host` none do."""

    host: str | None = None
    """The SMTP server that takes our letters."""
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is protected; `none` on loopback only. Certificates are verified."""
    username: str | None = None
    password: SecretStr | None = None
    sender: Annotated[str, AfterValidator(_sender_shaped)] | None = None
    """Whom letters are from: an address, or a name and an address."""
    timeout: Span = timedelta(seconds=20)
    """The longest one letter may take, connecting included."""
    lease: Span = timedelta(minutes=5)
    """A claimed letter falls due again after this long."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if self.host is not None and self.sender is None:
            raise ValueError("sender must be set where host is")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        if self.security == "none" and self.host is not None and not _is_loopback(self.host):
            raise ValueError("security may be none only where host is on loopback")
        if self.lease <= LETTERS_A_JOB * self.timeout:
            raise ValueError(
                f"lease must be longer than {LETTERS_A_JOB} times timeout: a job sends "
                f"{LETTERS_A_JOB} letters, one after the other, and what it has not sent when its "
                "lease ends is sent twice"
            )
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class CodeSettings(BaseModel, frozen=True, extra="forbid"):
    """What makes codes at places those of this service and of no one else."""

    key: KeyText
    """Seals every code, and by way of a key derived from it every receipt's token.

    32 bytes in base64url without padding (`geoservices code-key`).
    """


class IntakeSettings(BaseModel, frozen=True, extra="forbid"):
    """What is taken in at the door."""

    max_body_bytes: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    max_batch: Annotated[int, Field(ge=1, le=10_000)] = 1000
    max_vertices: Annotated[int, Field(ge=4)] = 20_000
    """The most vertices a drawn or sent geofence may have."""
    future_tolerance: Span = timedelta(minutes=5)
    """A ping later than now by more than this is refused: the phone's clock is wrong."""
    oldest: Span = timedelta(days=7)
    """A ping older than this is refused: nothing can come of it."""
    ping_retention: Span = timedelta(hours=24)
    """Positions are deleted after this long."""


class PresenceSettings(BaseModel, frozen=True, extra="forbid"):
    """When a device counts as having entered or left (docs/presence.md gives the reasons)."""

    assumed_accuracy_m: Metres = 100
    """Taken where a phone reports no accuracy, or one of 0 or less."""
    arrival_accuracy_limit_m: Metres = 200
    """A position less accurate than this never proves an arrival."""
    credible_accuracy_m: Metres = 3
    """A position that claims to be better than this is no proof by itself."""
    certainty: Certainty = 1.8
    """What is certain lies so many accuracies from the edge: 1.8 holds 97 % of normal errors."""
    reach_m: Metres = 0
    """This close outside, with its circle reaching in, a position may be an arrival; 0: never."""
    confirm_enter_after: SpanOrNone = timedelta(seconds=90)
    """An arrival with a position inside at its end must have lasted this long."""
    confirm_touching_after: SpanOrNone = timedelta(seconds=120)
    """And this long with one at its end that only touches the area."""
    confirm_seldom_after: SpanOrNone = timedelta(minutes=4)
    """This long where no position was inside, of a phone that seldom reports."""
    confirm_enter_within: SpanOrNone = timedelta(seconds=60)
    """An arrival ends with a second position that does not touch when none has for longer.

    A phone that is quiet this long between two positions reports seldom.
    """
    confirm_enter_gap: SpanOrNone = timedelta(minutes=6)
    """Nor does it outlive this much time with nothing heard."""
    exit_certainty: Certainty = 2.2
    """The same for leaving: 2.2 holds 99.6 %, as whoever sits inside for hours is read often."""
    exit_accuracy_cap_m: Metres = 100
    """However inaccurate a position claims to be, it counts as at most this when leaving."""
    exit_margin_m: Metres = 20
    exit_margin_share: Fraction = 0.1
    """Leaving takes this much distance: the larger of the margin and this share of the size."""
    confirm_exit_after: SpanOrNone = timedelta(seconds=120)
    """An exit takes positions far outside for this long, or two and this much quiet after them."""
    silence: Span = timedelta(minutes=30)
    """A visit whose device did not touch the area for this long is closed as inferred."""
    told_silence: Span = timedelta(hours=12)
    """The same for a visit whose phone itself told of having come."""
    dwell_freshness: SpanOrNone = timedelta(minutes=3)
    """A timer only claims dwelling if the device was seen this shortly before it was due."""
    noise_gate: Annotated[float, Field(ge=0, le=10)] = 0
    """Positions moved less than this many times both accuracies are not tested; 0 tests all."""
    crossing_within: SpanOrNone = timedelta(minutes=10)
    """Between two positions further apart in time nothing is taken for crossed."""
    crossing_accuracy_limit_m: Metres = 100
    """Nor between two of which one is less accurate than this."""
    jump_speed_mps: Annotated[float, Field(gt=0, le=10_000)] = 70
    """A position that takes more than this to reach, metres a second, bears the sign of a jump."""

    @model_validator(mode="after")
    def _make_sense_together(self) -> Self:
        if self.credible_accuracy_m > self.arrival_accuracy_limit_m:
            raise ValueError(
                "credible_accuracy_m must not exceed arrival_accuracy_limit_m: "
                "nothing would ever be clearly inside"
            )
        if self.reach_m > self.arrival_accuracy_limit_m:
            raise ValueError(
                "reach_m must not exceed arrival_accuracy_limit_m: what reaches further is "
                "too inaccurate for an arrival"
            )
        if self.confirm_enter_after > self.confirm_touching_after:
            raise ValueError(
                "confirm_enter_after must not exceed confirm_touching_after: "
                "touching the area would prove more than being in it"
            )
        if self.confirm_touching_after > self.confirm_seldom_after:
            raise ValueError(
                "confirm_touching_after must not exceed confirm_seldom_after: "
                "never having been inside would prove more than having been"
            )
        if not self.confirm_enter_within <= self.confirm_enter_gap < self.silence:
            raise ValueError(
                "confirm_enter_gap must be at least confirm_enter_within and shorter than silence"
            )
        if self.confirm_exit_after >= self.silence:
            raise ValueError(
                "confirm_exit_after must be shorter than silence: "
                "saying nothing would end a visit sooner than being far away"
            )
        if self.told_silence < self.silence:
            raise ValueError("told_silence must be at least silence")
        return self


class PhoneSettings(BaseModel, frozen=True, extra="forbid"):
    """What phone apps of others (OwnTracks, Overland, Traccar Client) are given."""

    secret: Annotated[SecretStr, Field(min_length=32)] | None = None
    """What the keys of encrypted payloads are derived from; without it none are made."""
    max_regions: Annotated[int, Field(ge=1, le=100)] = 20
    """The most places a phone is asked to watch by itself; iOS watches 20 for an app."""
    min_region_m: Metres = 100
    """The least radius of what a phone watches; both systems miss smaller ones."""


class DeviceSettings(BaseModel, frozen=True, extra="forbid"):
    """How long what a device is known by goes on being of use."""

    token_age: Span = timedelta(days=30)
    """A browser's cookie that is older than this is exchanged for a new one."""
    token_overlap: SpanOrNone = timedelta(minutes=1)
    """The token of before still counts this long after the next one was first used."""
    joining_code_lifetime: Span = timedelta(minutes=10)
    """A code by which another device joins is worthless after this long."""


class CampaignSettings(BaseModel, frozen=True, extra="forbid"):
    """Limits that hold for every campaign."""

    max_age: Span = timedelta(minutes=15)
    """Nothing is pushed because of something longer ago than this."""
    person_cap: Annotated[int, Field(ge=1)] = 6
    person_cap_window: Span = timedelta(hours=24)
    """So many notifications to one person in any window this long, critical ones apart."""


def _rate_shaped(text: str) -> str:
    read_rate(text)
    return text


RateText = Annotated[str, AfterValidator(_rate_shaped)]
"""So many within so long, all at once or one by one: `10/PT15M`."""


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
    second_factor_by_account: RateText = "5/PT15M"
    """Second factors tried for one account."""
    reset_by_account: RateText = "3/PT1H"
    """Links to a new password for one account."""
    reset_by_address: RateText = "30/PT1H"
    """Links to a new password asked for from one address."""
    exports_by_person: RateText = "3/P1D"
    """Exports of what is held about one person."""


class StatisticsSettings(BaseModel, frozen=True, extra="forbid"):
    """What managers are told of many people at once."""

    smallest_count: Annotated[int, Field(ge=1)] = 10
    """A count with fewer people behind it is not told."""
    count_after: SpanOrNone = timedelta(days=1)
    """A day's visits are counted this long after its end; what comes later is never counted."""


class RetentionSettings(BaseModel, frozen=True, extra="forbid"):
    """How long what has happened is kept; raw positions are `intake.ping_retention`'s.

    The consent texts promise 30 days for visits and check-ins: with more, publish new texts.
    """

    visits: Span = timedelta(days=30)
    """Visits that have ended, their transitions, and crossings."""
    check_ins: Span = timedelta(days=30)
    sensitive_check_ins: Span = timedelta(days=1)
    """Check-ins at sensitive places, and what was decided and told because of them."""
    decisions: Span = timedelta(days=30)
    """Decisions that told nobody of anything."""
    notifications: Span = timedelta(days=90)
    """Notifications with their deliveries, and the decisions that made them."""
    letters: Span = timedelta(days=30)
    """That digests were sent; confirmations of addresses are kept for two days."""
    subscriptions: Span = timedelta(days=30)
    """Browsers' subscriptions that have ended."""
    phone_links: Span = timedelta(days=30)
    """Credentials of phone apps that were revoked."""
    sign_ins: Span = timedelta(days=30)
    """Sign-ins that have expired or were revoked."""
    codes: Span = timedelta(days=365)
    """Codes at places that were revoked or are past their end."""
    consents: Span = timedelta(days=2190)
    """Consents that were withdrawn, with their receipts: as long as claims may be made."""


class RightsSettings(BaseModel, frozen=True, extra="forbid"):
    """What people can do about what is held about them."""

    export_kept: Span = timedelta(days=7)
    """A copy that a person asked for is deleted this long after it was ready."""
    erasures_kept: Span = timedelta(days=360)
    """How long the list of who was erased is kept: longer than any backup."""


class AuditSettings(BaseModel, frozen=True, extra="forbid"):
    """What is written down of who read or changed what."""

    retention: Span = timedelta(days=2192)
    """Entries are pruned after this long: six years, after which few claims can be brought."""


class OidcSettings(BaseModel, frozen=True, extra="forbid"):
    """How members sign in with identity providers (OpenID Connect Core 1.0)."""

    providers: tuple[ProviderSettings, ...] = ()
    """Each with members of `provider_settings.ProviderSettings`; with none, nobody does."""
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


class LinkSettings(BaseSettings):
    """What links by which passwords are set are made with; nothing of it must be given."""

    model_config = SettingsConfigDict(
        env_prefix="GEOSERVICES_",
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        # What is missing would else be told together with all that was set, secrets too.
        hide_input_in_errors=True,
    )

    public_url: Annotated[str, Field(pattern=r"^https?://[^/\s]+$", max_length=300)] = (
        "http://127.0.0.1:8080"
    )
    """Where people's browsers reach this service; links in notifications start with it."""
    sign_in: SignInSettings = SignInSettings()


class Settings(LinkSettings):
    """The service's configuration; nested values use two underscores.

    `GEOSERVICES_PUSH__TIMEOUT=PT5S` sets `settings.push.timeout`.
    """

    database_url: SecretStr
    """`postgresql://user:password@host:port/name`."""
    broker_url: SecretStr
    """`redis://…` or `amqp://…`."""
    public_url: Annotated[str, Field(pattern=r"^https?://[^/\s]+$", max_length=300)] = (
        "http://127.0.0.1:8080"
    )
    """Where people's browsers reach this service; links in notifications start with it."""
    cors_origins: tuple[Annotated[str, Field(pattern=r"^https?://[^/\s*]+$")], ...] = ()
    """Other sites whose pages may call the API, with tokens of their own and never with cookies."""
    outbox_lease: Span = timedelta(seconds=30)
    """An outbox message handed to a job is handed out again after this long."""
    push: PushSettings
    codes: CodeSettings
    mail: MailSettings = MailSettings()
    intake: IntakeSettings = IntakeSettings()
    presence: PresenceSettings = PresenceSettings()
    phones: PhoneSettings = PhoneSettings()
    devices: DeviceSettings = DeviceSettings()
    campaigns: CampaignSettings = CampaignSettings()
    limits: LimitSettings = LimitSettings()
    statistics: StatisticsSettings = StatisticsSettings()
    retention: RetentionSettings = RetentionSettings()
    rights: RightsSettings = RightsSettings()
    oidc: OidcSettings = OidcSettings()
    audit: AuditSettings = AuditSettings()

    @model_validator(mode="after")
    def _visits_are_counted_before_they_go(self) -> Self:
        if self.statistics.count_after + timedelta(days=3) > self.retention.visits:
            raise ValueError(
                "retention.visits must be at least three days longer than statistics.count_after: "
                "visits are counted by whole days before they are deleted"
            )
        return self


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        pydantic.ValidationError: A value is missing or out of its range.
    """
    return Settings()
