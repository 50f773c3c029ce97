"""API keys on the wire."""

from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from api.schemas.common import DurationIn, In, Instant, Name, Out
from api.schemas.members import ReachIn, ReachOut
from geoservices.access.reach import reach_of
from geoservices.access.rights import Right
from geoservices.keys.models import ApiKey
from geoservices.keys.service import KeyDraft

Grace = Annotated[
    DurationIn,
    Field(
        ge=timedelta(0),
        le=timedelta(days=7),
        description="How long the secret before it still holds: 0 to 7 days",
    ),
]


class KeyIn(In):
    """A key for a machine."""

    name: Name = Field(description="What it is for", examples=["Events calendar"])
    scopes: list[Right] = Field(min_length=1, max_length=len(Right))
    reach: ReachIn | None = Field(default=None, description="Null is no limit")
    expires_at: Instant = Field(description="Within two years")

    def to_draft(self) -> KeyDraft:
        """Say it in the domain's words."""
        return KeyDraft(
            name=self.name,
            scopes=frozenset(self.scopes),
            reach=self.reach.to_reach() if self.reach else None,
            expires_at=self.expires_at,
        )


class RotationIn(In):
    """How a key gets another secret."""

    grace: Grace = timedelta(days=1)


class KeyOut(Out):
    """A key, without its secret."""

    id: UUID
    name: str
    prefix: str = Field(description="How the secret begins")
    scopes: list[Right]
    reach: ReachOut | None
    created_by: UUID | None = Field(description="The member who made it, if there still is one")
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = Field(description="Right to about five minutes")
    previous_until: datetime | None = Field(
        description="How long the secret before the last rotation holds, or held"
    )
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """Show a key."""
        return cls(**_told(key))


class NewKeyOut(KeyOut):
    """A key with its secret, which is shown this once."""

    secret: str

    @classmethod
    def made(cls, key: ApiKey, secret: str) -> Self:
        """Show a key and its secret."""
        return cls(**_told(key), secret=secret)


def _told(key: ApiKey) -> dict[str, object]:
    told = {name: getattr(key, name) for name in KeyOut.model_fields}
    return told | {"reach": ReachOut.of(reach_of(key.reach))}
