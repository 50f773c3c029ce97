"""Offers on the wire."""

from typing import Literal

from api.schemas.listings import ListingFields, ListingOut
from geoservices.listings.models import ListingKind
from geoservices.offers.drafts import OfferDraft


class OfferIn(ListingFields):
    """What a manager says of an offer."""

    kind: Literal[ListingKind.OFFER]

    def to_draft(self) -> OfferDraft:
        """Return what the domain takes."""
        return OfferDraft(**self.model_dump(exclude={"id"}))


class OfferOut(ListingOut):
    """An offer as its managers see it."""

    kind: Literal[ListingKind.OFFER]
