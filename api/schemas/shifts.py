"""Working hours on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from api.schemas.common import In, Out, Text

Hours = Annotated[Text, StringConstraints(min_length=1, max_length=300)] | None
HOURS = Field(
    description="OSM syntax, in the member's own time zone; null is none: located never",
    examples=["Mo-Fr 09:00-17:00"],
)


class LocatedOut(Out):
    """Whether a device is located, as far as its person agreed."""

    now: bool
    until: datetime | None = Field(description="When working hours end; null where none do")
    next_from: datetime | None = Field(description="When the next begin; null where none do")


class WorkingHoursIn(In):
    """A member's weekly hours."""

    hours: Hours = HOURS


class WorkingHoursOut(Out):
    """A member's weekly hours, and where they stand in them."""

    hours: Hours = HOURS
    time_zone: str
    at_work: LocatedOut
