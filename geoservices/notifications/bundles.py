"""What a bundle says: one push that stands for several notifications to one person."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from geoservices.campaigns.rules import CampaignClass
from geoservices.languages import ENGLISH, look_up

AT_ONE_PLACE: Final[Mapping[str, str]] = {
    ENGLISH: "{count} things at {place}",
    "cy": "{count} o bethau yn {place}",
}
"""By language; a bundle is of two at least, and these forms are right for every number above."""
APART: Final[Mapping[str, str]] = {
    ENGLISH: "While you were away: {count} messages",
    "cy": "Tra oeddech i ffwrdd: {count} neges",
}
"""What comes of several places was held back: else it would have come at different moments."""
URGENT_FIRST: Final = (CampaignClass.CRITICAL, CampaignClass.SERVICE, CampaignClass.OFFER)


class Words(NamedTuple):
    """What a bundle says on the screen."""

    title: str
    body: str


def words(titles: Sequence[str], places: Sequence[str | None], *, language: str) -> Words:
    """Return what a bundle says: how many messages there are and where, and a line for each.

    Args:
        titles: Of the notifications, two at least, in the order in which they were made.
        places: The names of the places they are about; None where one is about none.
        language: Of the person; a bundle speaks British English if it does not know it.
    """
    place = places[0] if len(set(places)) == 1 else None
    forms = APART if place is None else AT_ONE_PLACE
    form = forms[look_up(forms, language) or ENGLISH]
    return Words(title=form.format(count=len(titles), place=place), body="\n".join(titles))


def most_urgent(classes: Sequence[str]) -> CampaignClass:
    """Return the class of the most urgent of some notifications, which is that of their bundle."""
    return next(one for one in URGENT_FIRST if one in classes)
