"""Help for tests of outcomes: people whom a campaign met, what they did, and the counting of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.orm import Session

from geoservices.accounts.models import Person, Purpose
from geoservices.campaigns.models import Campaign, Decision
from geoservices.campaigns.rules import Gate, Trigger
from geoservices.offers.models import Redemption
from geoservices.outcomes import counting
from geoservices.outcomes.models import CampaignRound
from geoservices.places.models import Place
from geoservices.settings.service import Settings
from tests.campaigning import World
from tests.factories import NOON, make_person
from tests.walking import SETTINGS

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOON + 40 * DAY


def people(session: Session, count: int, *purposes: Purpose) -> list[Person]:
    """So many citizens who agreed to be told of what is nearby, and to be counted."""
    agreed = purposes or (Purpose.NEARBY, Purpose.STATISTICS)
    return [make_person(session, *agreed) for _ in range(count)]


def decided(
    world: World,
    campaign: Campaign,
    some: Sequence[Person],
    *,
    gate: Gate | None = None,
    at: datetime = NOON,
    place: Place | None = None,
) -> list[Decision]:
    """Decisions about people, as deciding would have stored them."""
    made = [
        Decision(
            id=uuid4(),
            organisation_id=world.organisation.id,
            campaign_id=campaign.id,
            version=1,
            trigger=Trigger.ENTERED,
            person_id=person.id,
            place_id=(place or world.place).id,
            gate=gate,
            reason="",
            variant=None if gate else "a",
            gates_passed=[],
            detail={},
            decided_at=at,
        )
        for person in some
    ]
    world.session.add_all(made)
    world.session.flush()
    return made


def redeem(world: World, some: Sequence[Person], *, at: datetime = NOON + HOUR) -> None:
    """Have people redeem the world's offer."""
    world.session.add_all(
        Redemption(
            organisation_id=world.organisation.id,
            offer_id=world.listing.id,
            place_id=world.place.id,
            person_id=person.id,
            made_at=at,
            redeemed_at=at,
        )
        for person in some
    )
    world.session.flush()


def count(
    session: Session, campaign: Campaign, *, at: datetime = LATER, settings: Settings = SETTINGS
) -> list[CampaignRound]:
    """Count all rounds that are over."""
    rounds = []
    while made := counting.count_next_round(session, campaign.id, settings=settings, at=at):
        rounds.append(made)
    return rounds
