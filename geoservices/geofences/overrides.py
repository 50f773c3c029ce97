"""Presence rules of one's own: an organisation's over the service's, a geofence's over both."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.geofences.watched import Overrides
from geoservices.settings.kinds import Certainty, Fraction, Metres, Span, SpanOrNone
from geoservices.settings.presence import PresenceSettings

OwnMetres = Annotated[Metres, Field(strict=True)]

Stored = Mapping[str, Any]
"""Overrides as JSON: only what is set, times in ISO 8601."""


class PresenceRefused(GeoservicesError):
    """Rules of presence that make no sense together with those they are laid over."""

    kind = ErrorKind.INVALID
    code = "presence-refused"
    title = "The presence rules make no sense together"


class PresenceOverrides(BaseModel, frozen=True, extra="forbid"):
    """Rules of presence that differ from those they are laid over; null means they do not.

    `settings.PresenceSettings` documents each. What judges a position before any geofence is
    looked at, such as the signs of a jump, is not among them.
    """

    arrival_accuracy_limit_m: OwnMetres | None = None
    credible_accuracy_m: OwnMetres | None = None
    certainty: Annotated[Certainty, Field(strict=True)] | None = Field(
        default=None, description="How many accuracies wide the circle is that counts as certain"
    )
    reach_m: OwnMetres | None = None
    confirm_enter_after: SpanOrNone | None = None
    confirm_touching_after: SpanOrNone | None = None
    confirm_seldom_after: SpanOrNone | None = None
    confirm_enter_within: SpanOrNone | None = None
    confirm_enter_gap: SpanOrNone | None = None
    exit_certainty: Annotated[Certainty, Field(strict=True)] | None = Field(
        default=None,
        description="How many accuracies wide the circle is that counts as certain when leaving",
    )
    exit_accuracy_cap_m: OwnMetres | None = None
    exit_margin_m: OwnMetres | None = None
    exit_margin_share: Annotated[Fraction, Field(strict=True)] | None = Field(
        default=None, description="How many times the geofence's size, 0 to 1"
    )
    confirm_exit_after: SpanOrNone | None = None
    silence: Span | None = None
    told_silence: Span | None = None
    dwell_freshness: SpanOrNone | None = None

    def stored(self) -> dict[str, Any]:
        """Return what is set, as it is kept in the database."""
        return self.model_dump(mode="json", exclude_none=True)

    def pairs(self) -> Overrides:
        """Return what is set, sorted by name."""
        return tuple(sorted(self.model_dump(exclude_none=True).items()))


def merge(organisation: Stored, geofence: Stored) -> Overrides:
    """Lay a geofence's stored overrides over those of its organisation."""
    if not organisation and not geofence:
        return ()
    return _merged(tuple(sorted({**organisation, **geofence}.items())))


def check(presence: PresenceSettings, *layers: Stored) -> None:
    """Refuse overrides that make no sense with what they are laid over.

    Args:
        presence: What holds where nothing else is said.
        layers: What is laid over it, the last one on top.

    Raises:
        PresenceRefused: They contradict one another.
    """
    values = presence.model_dump()
    for layer in layers:
        values |= PresenceOverrides.model_validate(layer).pairs()
    try:
        PresenceSettings.model_validate(values)
    except ValidationError as error:
        said = "; ".join(str(fault["ctx"]["error"]) for fault in error.errors())
        raise PresenceRefused(f"{said}.") from error


@lru_cache(maxsize=4096)
def _merged(values: tuple[tuple[str, object], ...]) -> Overrides:
    return PresenceOverrides.model_validate(dict(values)).pairs()
