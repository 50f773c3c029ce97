"""Listings of every kind on the wire."""

from typing import Annotated

from pydantic import Field, TypeAdapter

from api.schemas.events import EventIn, EventOut, EventShown
from api.schemas.offers import OfferIn, OfferOut, OfferShown
from api.schemas.tasks import TaskIn, TaskOut, TaskShown
from geoservices.listings.models import Listing

AnyListingIn = Annotated[OfferIn | EventIn | TaskIn, Field(discriminator="kind")]
AnyListingOut = Annotated[OfferOut | EventOut | TaskOut, Field(discriminator="kind")]
AnyListingShown = Annotated[OfferShown | EventShown | TaskShown, Field(discriminator="kind")]

_OUT: TypeAdapter[AnyListingOut] = TypeAdapter(AnyListingOut)


def told(listing: Listing) -> AnyListingOut:
    """Return a listing as its managers see it."""
    return _OUT.validate_python(listing, from_attributes=True)
