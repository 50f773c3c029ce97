"""The OpenAPI document on its own: `python -m api.document > openapi.json`."""

import json
import sys
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from typing_extensions import override

from api.app import create_app
from geoservices.codes.links import make_code_key
from geoservices.database import SessionFactory
from geoservices.push.vapid import make_vapid_key
from geoservices.settings.presence import CodeSettings
from geoservices.settings.sending import PushSettings
from geoservices.settings.service import Settings


class Unset(Settings):
    """Settings that nothing of the machine's changes, so that the document is always the same."""

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is said here and nothing else."""
        return (init_settings,)


def document() -> dict[str, Any]:
    """Return the document of a service on which nothing is set but what has to be.

    Nothing is asked for it: no database, no broker and no key of the service's.
    """
    settings = Unset(
        database_url=SecretStr("postgresql://nowhere"),
        broker_url=SecretStr("redis://nowhere"),
        push=PushSettings(
            vapid_private_key=SecretStr(make_vapid_key()), vapid_contact="mailto:nobody@example.org"
        ),
        codes=CodeSettings(key=SecretStr(make_code_key())),
    )
    return create_app(SessionFactory(), settings).openapi()


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=1)
