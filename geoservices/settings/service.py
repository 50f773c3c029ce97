"""The service's configuration, read once in each process and handed to whoever needs it."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from geoservices.settings.entering import (
    DeviceSettings,
    LimitSettings,
    OidcSettings,
    SignInSettings,
)
from geoservices.settings.feeds import FeedSettings
from geoservices.settings.kinds import Span
from geoservices.settings.presence import (
    CampaignSettings,
    CodeSettings,
    EventSettings,
    IntakeSettings,
    OfferSettings,
    PhoneSettings,
    PresenceSettings,
    TaskSettings,
)
from geoservices.settings.privacy import (
    AuditSettings,
    RetentionSettings,
    RightsSettings,
    StatisticsSettings,
)
from geoservices.settings.sending import MailSettings, PushSettings
from geoservices.settings.showing import MapSettings
from geoservices.settings.storing import FileSettings, ImportSettings


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
    events: EventSettings = EventSettings()
    offers: OfferSettings = OfferSettings()
    tasks: TaskSettings = TaskSettings()
    limits: LimitSettings = LimitSettings()
    statistics: StatisticsSettings = StatisticsSettings()
    retention: RetentionSettings = RetentionSettings()
    rights: RightsSettings = RightsSettings()
    oidc: OidcSettings = OidcSettings()
    audit: AuditSettings = AuditSettings()
    files: FileSettings = FileSettings()
    imports: ImportSettings = ImportSettings()
    feeds: FeedSettings = FeedSettings()
    maps: MapSettings = MapSettings()

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
