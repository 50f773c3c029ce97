"""An organisation on the wire, as its own people see it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import In, Out, Text
from geoservices.languages import LONGEST
from geoservices.organising import OrganisationDraft

TimeZone = Annotated[Text, StringConstraints(min_length=1, max_length=60)]
Language = Annotated[Text, StringConstraints(min_length=1, max_length=LONGEST)]


class OrganisationChangesIn(In):
    """What an organisation says anew of itself; what is left out stays."""

    name: Annotated[Text, StringConstraints(min_length=1, max_length=200)] | None = None
    time_zone: TimeZone | None = Field(default=None, description="IANA name")
    language: Language | None = Field(
        default=None, description="BCP 47 tag of the language that people are told in by default"
    )

    def to_draft(self) -> OrganisationDraft:
        """Return what the organisation is to say."""
        return OrganisationDraft(name=self.name, time_zone=self.time_zone, language=self.language)


class OrganisationOut(Out):
    """An organisation."""

    id: UUID
    slug: str = Field(description="Its short name, which stays")
    name: str
    time_zone: str
    language: str = Field(description="In which people are told who chose no language")
    created_at: datetime
