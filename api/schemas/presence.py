"""Rules of presence of one's own, on the wire; `overrides.PresenceOverrides` is what comes in."""

from datetime import timedelta
from typing import Self

from pydantic import Field

from api.schemas.common import Out
from geoservices.geofences.overrides import PresenceOverrides, Stored


class PresenceOut(Out):
    """Rules of presence of an organisation's or a geofence's own; null where there is none."""

    arrival_accuracy_limit_m: float | None
    credible_accuracy_m: float | None
    certainty: float | None = Field(
        description="How many accuracies wide the circle is that counts as certain"
    )
    reach_m: float | None
    confirm_enter_after: timedelta | None
    confirm_touching_after: timedelta | None
    confirm_seldom_after: timedelta | None
    confirm_enter_within: timedelta | None
    confirm_enter_gap: timedelta | None
    exit_certainty: float | None = Field(
        description="How many accuracies wide the circle is that counts as certain when leaving"
    )
    exit_accuracy_cap_m: float | None
    exit_margin_m: float | None
    exit_margin_share: float | None = Field(
        description="How many times the geofence's size, 0 to 1"
    )
    confirm_exit_after: timedelta | None
    silence: timedelta | None
    told_silence: timedelta | None
    dwell_freshness: timedelta | None

    @classmethod
    def of(cls, stored: Stored) -> Self:
        """Show stored overrides."""
        return cls.model_validate(PresenceOverrides.model_validate(stored))
