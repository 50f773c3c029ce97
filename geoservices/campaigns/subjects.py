"""What speaks against what a campaign speaks of."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from geoservices.campaigns import windows
from geoservices.campaigns.drafts import Draft
from geoservices.campaigns.rules import BY_LISTINGS, BY_RUNS
from geoservices.campaigns.speaking import weekly_of
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.listings.models import Listing
from geoservices.offers.windows import HORIZON, NEXT_WEEK
from geoservices.places import service as places
from geoservices.places.models import Place


class ListingOver(GeoservicesError):
    """Nobody can make use any more of what the campaign speaks of, or not once it starts."""

    kind = ErrorKind.INVALID
    code = "listing-over"
    title = "What it speaks of is over"

    def __init__(self, why: str, *, starts_at: datetime | None) -> None:
        if starts_at is None:
            told, field = f"{why} Name another listing, or mend this one.", "/listing_id"
        else:
            told = f"When the campaign starts, on {starts_at:%d/%m/%Y}, this will hold: {why} "
            told, field = f"{told}Start earlier, or name another listing.", "/schedule/starts_at"
        super().__init__(told, field=field)


class ListingNeverOn(GeoservicesError):
    """What the campaign speaks of is never on while the campaign speaks."""

    kind = ErrorKind.INVALID
    code = "listing-never-on"
    title = "What it speaks of is not on then"

    def __init__(self) -> None:
        super().__init__(
            "People are told of it while it is on, and it is on at none of the hours at which the "
            "campaign speaks. Change the campaign's schedule, or the hours of the listing.",
            field="/schedule",
        )


def faults_of_listing(
    session: Session, draft: Draft, *, from_: datetime, at: datetime
) -> Iterator[GeoservicesError]:
    """Find why nobody would ever be told of a draft's listing.

    Args:
        session: The transaction.
        draft: What is to be published.
        from_: When it starts, or now if it has.
        at: Now.
    """
    listing, triggers = draft.listing, draft.said.definition.triggers
    # What is set off by listings speaks of those.
    if listing is None or BY_LISTINGS.issuperset(triggers):
        return
    if (why := listing.why_over(at)) is not None:
        yield ListingOver(why, starts_at=None)
    elif (why := listing.why_over(from_)) is not None:
        yield ListingOver(why, starts_at=from_)
    # Runs speak of what is to come.
    elif BY_RUNS.isdisjoint(triggers):
        place = places.get_place(session, listing.place_id)
        if not _are_ever_on(listing, place, draft, from_=from_):
            yield ListingNeverOn()


def _are_ever_on(listing: Listing, place: Place, draft: Draft, *, from_: datetime) -> bool:
    """Tell whether a listing and the campaign's windows are on at one moment, within a year."""
    weekly = weekly_of(draft.said.definition, draft.organisation)
    ends_at = draft.said.definition.schedule.ends_at
    from_ = max(from_, listing.starts_at)
    # Most are on together within days, and a year of opening hours takes long to look through.
    for within in (NEXT_WEEK, HORIZON):
        until = min(from_ + within, ends_at or from_ + within)
        for span in listing.times_on(place, since=from_, until=until):
            begins, ends = max(span.starts_at, from_), min(span.ends_at, until)
            if begins < ends and windows.is_ever_on(weekly, begins, ends):
                return True
    return False
