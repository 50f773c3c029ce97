"""What a manager says of a campaign."""

from dataclasses import dataclass
from uuid import UUID

from geoservices.accounts.models import Organisation
from geoservices.campaigns.definitions import Definition, PlaceSet
from geoservices.listings.models import Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignDraft:
    """What a manager says of a campaign; its tags and languages are written in the normal way."""

    listing_id: UUID | None
    name: str
    purpose: str
    campaign_class: str
    definition: Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is checked: what was said, of which listing if it is of one, and whose."""

    said: CampaignDraft
    listing: Listing | None
    organisation: Organisation

    @property
    def places(self) -> PlaceSet:
        """The places that are named, or that of the listing; none without either."""
        if self.said.definition.places is not None:
            return self.said.definition.places
        return PlaceSet(ids=(self.listing.place_id,) if self.listing else ())
