"""What a manager says of a listing of any kind."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self
from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.instants import is_plannable
from geoservices.listings.models import Listing
from geoservices.places.models import Place


class EndsBeforeStart(GeoservicesError):
    """The end does not come after the start."""

    kind = ErrorKind.INVALID
    code = "ends-before-start"
    title = "It ends before it starts"

    def __init__(self) -> None:
        super().__init__("ends_at must come after starts_at.", field="/ends_at")


class YearRefused(GeoservicesError):
    """It would begin, be due or end in another age."""

    kind = ErrorKind.INVALID
    code = "year-refused"
    title = "The year cannot be right"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} must lie between 1970 and 2200.", field=f"/{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingDraft:
    """What is said of listings of every kind; each kind adds to it, and says what it `makes`."""

    makes: ClassVar[type[Listing]] = Listing

    place_id: UUID
    kind: str
    title: str
    text: str
    evidence_needed: str
    starts_at: datetime
    ends_at: datetime | None

    # Only kinds of which something follows from the place look at it.
    def at_place(self, place: Place) -> Self:  # noqa: ARG002
        """Return it with what follows from its place; as it is, unless a kind says more."""
        return self

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            YearRefused: It begins or ends in another age.
            EndsBeforeStart: It ends before it starts.
        """
        check_years(starts_at=self.starts_at, ends_at=self.ends_at)
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise EndsBeforeStart

    def check_at(self, place: Place) -> None:
        """Refuse what cannot be at its place; nothing, unless a kind says what."""

    def check_within(self, session: Session, listing_id: UUID, grant: Grant) -> None:
        """Refuse what names things that whoever says it does not have; kinds say which."""


def check_years(**times: datetime | None) -> None:
    """Refuse times of another age; each is known by the name of its member.

    Raises:
        YearRefused: One is.
    """
    for name, at in times.items():
        if at is not None and not is_plannable(at):
            raise YearRefused(name)
