"""A town with campaigns at its places, and people who come to them."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from itertools import count
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from bench.database import Server, migrate
from geoservices import clock
from geoservices.access.rights import Role
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Organisation, Purpose
from geoservices.campaigns import definitions
from geoservices.campaigns.definitions import (
    Audience,
    Definition,
    PlaceSet,
    Schedule,
    Text,
    Variant,
    Visited,
)
from geoservices.campaigns.models import Campaign, CampaignVersion
from geoservices.campaigns.place_queries import listen
from geoservices.campaigns.rules import CampaignClass, Cap, Trigger
from geoservices.campaigns.windows import WEEK, Window
from geoservices.checkins.verification import Evidence
from geoservices.database import make_engine, make_session_factory, transaction
from geoservices.geometry.position import Position
from geoservices.offers.models import Offer
from geoservices.outbox import Topic, publish
from geoservices.places.service import PlaceRecord, upsert_places

ORGANISATION = UUID(int=1)
OPENING_HOURS = (
    "Mo-Su 00:00-24:00",
    "Mo-Fr 00:00-24:00; Sa-Su 00:00-24:00",
    "24/7",
    "Tu 10:00-16:00",
)
"""Three in four are always open, so that a run at night is as one at noon."""
EVERY_HOUR = (
    Window(days=WEEK, from_=time(0), until=time(12)),
    Window(days=WEEK, from_=time(12), until=time(0)),
)

PEOPLE = """
WITH people AS (
    INSERT INTO people (id, role, time_zone, language, quiet_from, quiet_until, created_at)
    SELECT id, 'citizen', 'Europe/London', CASE WHEN number %% 4 = 0 THEN 'cy' END,
        CASE WHEN number %% 5 = 0 THEN time '22:00' END,
        CASE WHEN number %% 5 = 0 THEN time '07:00' END, now()
    FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS one (id, number)
    RETURNING id
), agreed AS (
    INSERT INTO consents (id, person_id, purpose, text_version, given_at)
    SELECT gen_random_uuid(), id, 'nearby', %(version)s, now() FROM people
), devices AS (
    INSERT INTO devices (id, person_id, token_hash, created_at)
    SELECT id, id, sha256(uuid_send(id)), now() FROM people RETURNING id
)
INSERT INTO subscriptions
    (id, device_id, endpoint, endpoint_hash, p256dh, auth, vapid_key, created_at, updated_at)
SELECT id, id, 'https://push.example/' || id, sha256(uuid_send(id)), '', '', '', now(), now()
FROM devices
"""
VISITS = """
WITH came AS (
    SELECT * FROM unnest(%(devices)s::uuid[], %(places)s::uuid[], %(transitions)s::uuid[])
        AS one (device_id, place_id, transition_id)
), visits AS (
    INSERT INTO visits (id, device_id, geofence_id, place_id, organisation_id, phase, phase_since,
        entered_at, dwell_after, exited_at, confidence, initial, told, due_at)
    SELECT transition_id, device_id, place_id, place_id, %(organisation)s, 'inside', now(), now(),
        interval '5 minutes', NULL, 3, false, false, now() FROM came
)
INSERT INTO transitions (id, visit_id, device_id, geofence_id, place_id, organisation_id, kind,
    reason, confidence, initial, occurred_at, detected_at)
SELECT transition_id, transition_id, device_id, place_id, place_id, %(organisation)s, 'entered',
    'clearly-inside', 3, false, now(), now() FROM came
"""


@dataclass(slots=True, kw_only=True)
class Town:
    """A database with places, people and live campaigns; `comings` is who comes where next."""

    url: str
    comings: Iterator[tuple[UUID, UUID]]
    lots: random.Random

    def come(self, number: int) -> None:
        """Have so many people come somewhere just now, as intake writes it down."""
        coming = [next(self.comings) for _ in range(number)]
        ids = [_id(self.lots) for _ in coming]
        with psycopg.connect(self.url) as connection:
            devices, places = zip(*coming, strict=True)
            told = {"devices": list(devices), "places": list(places), "transitions": ids}
            connection.execute(VISITS, {**told, "organisation": ORGANISATION})
        engine = make_engine(self.url, pool_size=1)
        with transaction(make_session_factory(engine)) as session:
            publish(session, Topic.TRANSITION_MADE, ids)
        engine.dispose()

    def settle(self) -> None:
        """Have the tables looked at, as autovacuum does within minutes of a start."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


def make_town(
    server: Server,
    name: str,
    *,
    places: int,
    campaigns: int,
    elsewhere: int,
    people: int,
    seed: int,
) -> Town:
    """Make a town in a database of its own.

    Args:
        server: Where.
        name: The database's.
        places: To how many places people come.
        campaigns: How many are live at these, spread evenly.
        elsewhere: How many more are live at as many other places, to which nobody comes.
        people: How many there are, each with a browser.
        seed: The same seed, the same ids and the same comings.
    """
    url = server.database(name)
    migrate(url)
    lots = random.Random(seed)  # noqa: S311
    engine = make_engine(url, pool_size=1)
    with transaction(make_session_factory(engine)) as session:
        organisation = Organisation(
            id=ORGANISATION,
            slug="bench",
            name="Bench",
            time_zone="Europe/London",
            language="en-GB",
            created_at=clock.now(),
        )
        session.add(organisation)
        session.flush()
        there = _make_places(session, 2 * places)
        visited, others = there[:places], there[places:]
        for where, how_many in ((visited, campaigns), (others, elsewhere)):
            for number in range(how_many):
                _publish(session, where[number % places], number, lots)
    engine.dispose()
    ids = [_id(lots) for _ in range(people)]
    with psycopg.connect(url) as connection:
        version = TEXTS[Purpose.NEARBY].version
        connection.execute(PEOPLE, {"ids": ids, "version": version})
    town = Town(
        url=url,
        comings=_comings(ids, visited),
        lots=lots,
    )
    town.settle()
    return town


def _comings(people: Sequence[UUID], places: Sequence[UUID]) -> Iterator[tuple[UUID, UUID]]:
    """Find who comes where next; nobody comes to a place twice before having been at all."""
    for number in count():
        person, round_ = number % len(people), number // len(people)
        yield people[person], places[(person + 7 * round_) % len(places)]


def _make_places(session: Session, number: int) -> list[UUID]:
    records = [
        PlaceRecord(
            external_id=str(one),
            name=f"Library {one}",
            category="library",
            point=Position(lon=-3.5 + one / 10_000, lat=50.7),
            time_zone="Europe/London",
            opening_hours=OPENING_HOURS[one % len(OPENING_HOURS)],
            tags=(f"tag {one}",),
        )
        for one in range(number)
    ]
    stored = upsert_places(session, ORGANISATION, "bench", records, at=clock.now())
    return [one.place_id for one in stored]


def _publish(session: Session, place_id: UUID, number: int, lots: random.Random) -> None:
    """Store a campaign as publishing does; to check each would take minutes."""
    at = clock.now()
    listing = Offer(
        id=_id(lots),
        organisation_id=ORGANISATION,
        place_id=place_id,
        title=f"Offer {number}",
        text="",
        evidence_needed=Evidence.SELF_DECLARED,
        starts_at=at - timedelta(days=1),
        created_at=at,
    )
    campaign = Campaign(
        id=_id(lots),
        organisation_id=ORGANISATION,
        listing_id=listing.id,
        name=listing.title,
        purpose=Purpose.NEARBY,
        campaign_class=CampaignClass.OFFER if number % 2 else CampaignClass.SERVICE,
        version=1,
        created_at=at,
        submitted_at=at,
        published_at=at,
    )
    definition = _definition(place_id, number)
    version = CampaignVersion(
        campaign_id=campaign.id,
        number=1,
        definition=definitions.stored(definition),
        made_at=at,
        in_force_from=at,
    )
    for row in (listing, campaign, version):
        session.add(row)
        session.flush()
    listen(session, version, definition.places, listing_id=listing.id)


def _definition(place_id: UUID, number: int) -> Definition:
    texts = {
        "en-GB": Text(title="{listing} today", body="At {place}, from {starts} until {ends}."),
        "cy": Text(title="{listing} heddiw", body="Yn {place}, o {starts} tan {ends}."),
    }
    return Definition(
        triggers=(Trigger.ENTERED, Trigger.CHECKED_IN),
        audience=Audience(
            roles=(Role.CITIZEN,),
            languages=("en", "cy") if number % 3 == 0 else (),
            visited=Visited.NEW if number % 10 == 1 else None,
            hold_out=0.1 if number % 5 == 2 else 0.0,
        ),
        content=(Variant(name="a", texts=texts), Variant(name="b", texts=texts)),
        places=None if number % 3 == 1 else PlaceSet(ids=(place_id,)),
        schedule=Schedule(windows=EVERY_HOUR),
        only_when_open=number % 2 == 0,
        cap=Cap(messages=3, within=timedelta(days=7)) if number % 3 == 0 else None,
    )


def _id(lots: random.Random) -> UUID:
    return UUID(bytes=lots.randbytes(16), version=4)
