"""What a manager says of a campaign."""

from dataclasses import dataclass
from uuid import UUID

from geoservices.accounts.models import Organisation
from geoservices.campaigns.definitions import Definition
from geoservices.listings.models import Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignDraft:
    """What a manager says of a campaign; its tags and languages are written in the normal way."""

    listing_id: UUID
    name: str
    purpose: str
    campaign_class: str
    definition: Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is checked: what was said, of which listing, and whose."""

    said: CampaignDraft
    listing: Listing
    organisation: Organisation
