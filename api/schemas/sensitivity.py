"""The marks of sensitive places on the wire."""

from datetime import datetime

from pydantic import Field

from api.schemas.common import In, Instant, Out
from geoservices.places.sensitivity import SensitiveKind, Sensitivity


class SensitivityIn(In):
    """Why a place is sensitive, and from when until when."""

    kind: SensitiveKind
    from_: Instant | None = Field(
        default=None, alias="from", description="When that begins; null is now"
    )
    until: Instant | None = Field(default=None, description="When it ends; null is never")

    def to_sensitivity(self) -> Sensitivity:
        """Return it as the domain has it."""
        return Sensitivity(kind=self.kind, from_=self.from_, until=self.until)


class SensitivityOut(Out):
    """The mark of a place."""

    kind: SensitiveKind
    from_: datetime | None = Field(alias="from")
    until: datetime | None
    holds: bool = Field(description="Whether the place is sensitive now")
