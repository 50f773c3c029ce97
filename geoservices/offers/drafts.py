"""What a manager says of an offer."""

from dataclasses import dataclass
from typing import ClassVar

from geoservices.listings.drafts import ListingDraft
from geoservices.offers.models import Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDraft(ListingDraft):
    """What is said of an offer besides."""

    makes: ClassVar[type[Offer]] = Offer
