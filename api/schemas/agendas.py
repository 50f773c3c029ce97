"""The link to a person's calendar on the wire."""

from datetime import datetime

from pydantic import Field

from api.schemas.common import Out


class CalendarLinkOut(Out):
    """That a person has a link."""

    made_at: datetime


class CalendarLinkMade(CalendarLinkOut):
    """A link that was made just now."""

    url: str = Field(description="Told this once: whoever knows it sees what the person goes to")
