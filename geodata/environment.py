"""What bringing data in needs of the environment: less than the service itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from geoservices.database import SessionFactory, make_engine, make_session_factory
from geoservices.settings.presence import IntakeSettings


class DataSettings(BaseSettings):
    """The part of `geoservices.settings.Settings` that is needed here, under the same names."""

    model_config = SettingsConfigDict(
        env_prefix="GEOSERVICES_", env_nested_delimiter="__", frozen=True, extra="ignore"
    )

    database_url: SecretStr
    intake: IntakeSettings = IntakeSettings()


class NotConfigured(RuntimeError):
    """The environment does not say which database to use."""


def read_settings() -> DataSettings:
    """Read the settings from the environment.

    Raises:
        NotConfigured: The database is not named, or a value is out of its range.
    """
    try:
        return DataSettings()
    except ValidationError as error:
        wrong = ", ".join(
            "GEOSERVICES_" + "__".join(map(str, one["loc"])).upper() for one in error.errors()
        )
        raise NotConfigured(f"Missing or wrong in the environment: {wrong}") from error


@contextmanager
def connected(settings: DataSettings) -> Iterator[SessionFactory]:
    """Yield the factory of sessions on the configured database; its connections end with it."""
    engine = make_engine(settings.database_url.get_secret_value(), pool_size=1)
    try:
        yield make_session_factory(engine)
    finally:
        engine.dispose()
