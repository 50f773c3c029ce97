"""Every setting with the name and the spelling that the environment gives it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter

from geoservices.settings.service import Settings


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; `default` is how the environment would spell it, None where it must be given."""

    name: str
    default: str | None


def settings() -> list[Setting]:
    """Walk through the settings in the order in which they are declared."""
    return list(_walk(Settings, str(Settings.model_config["env_prefix"])))


def _walk(model: type[BaseModel], prefix: str) -> Iterator[Setting]:
    for member, field in model.model_fields.items():
        name = f"{prefix}{member.upper()}"
        kind: Any = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _walk(kind, f"{name}__")
        elif field.is_required():
            yield Setting(name, None)
        else:
            yield Setting(name, TypeAdapter(kind).dump_json(field.default).decode().strip('"'))
