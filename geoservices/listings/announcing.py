"""What was published is announced, so that campaigns may speak of it."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from geoservices import outbox
from geoservices.listings.models import Listing


def announce(session: Session, made: Iterable[Listing]) -> None:
    """Put new listings in the outbox; whatever has listings come up does this.

    Args:
        session: The transaction in which they did.
        made: They.
    """
    outbox.publish(session, outbox.Topic.LISTING_PUBLISHED, [listing.id for listing in made])
