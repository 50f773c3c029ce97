"""What people hear of without a campaign."""

from datetime import timedelta

from geoservices.notifications.announcing import announce_listing
from geoservices.notifications.models import NotificationKind
from tests.factories import NOON
from tests.notifying import World


def test_word_of_a_listing_is_from_its_organisation(world: World) -> None:
    """It has no decision, as no campaign was asked."""
    told = announce_listing(
        world.session,
        world.listing,
        world.person.id,
        title="Story time is tomorrow",
        body="At Exeter Library, at ten.",
        expires_at=NOON + timedelta(days=1),
        at=NOON,
    )

    assert (told.kind, told.decision_id) == (NotificationKind.LISTING, None)
    assert (told.organisation_id, told.listing_id) == (
        world.listing.organisation_id,
        world.listing.id,
    )
