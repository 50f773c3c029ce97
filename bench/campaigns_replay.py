"""Case `campaigns.replay`: a campaign run on 30 days with 1,000,000 visits, by the real job.

People come to the places of a town round the clock, and each visit has its three transitions. The
campaign decides on two of these, with windows, opening hours, quiet hours, caps and a share that is
held out; another one has told people things meanwhile. `value` is how many seconds a worker process
takes from taking the job up to the stored result, and `peer` what is asked of it. `progress` is how
many different shares were told meanwhile, `cpu_s` how long the process had a processor, and
`peak_mb` the most memory that it had.
"""

import multiprocessing
import os
import resource
import time
from collections.abc import Iterator
from datetime import timedelta
from multiprocessing.connection import Connection
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import select

from bench.campaigns_town import EVERY_HOUR, ORGANISATION, make_town
from bench.database import Server
from bench.ingest_service import environment
from bench.report import Figure
from geoservices import clock
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right, Role
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Purpose
from geoservices.campaigns import service
from geoservices.campaigns.definitions import (
    Audience,
    Definition,
    PlaceSet,
    Schedule,
    Text,
    Variant,
)
from geoservices.campaigns.drafts import CampaignDraft
from geoservices.campaigns.lifecycle import ReplayState
from geoservices.campaigns.models import Campaign
from geoservices.campaigns.replay_models import CampaignReplay
from geoservices.campaigns.rules import CampaignClass, Cap, Trigger
from geoservices.database import make_engine, make_session_factory, transaction

ASKED_S = 60.0
VISITS, QUICK_VISITS = 1_000_000, 50_000
PLACES, PEOPLE = 200, 50_000
DAYS = 30
LOOK = 0.2
"""Seconds between two looks at how far it has come."""

COUNTED = """
INSERT INTO consents (id, person_id, purpose, text_version, given_at)
SELECT gen_random_uuid(), id, 'statistics', %(version)s, now() - interval '60 days' FROM people
"""
CAME = """
WITH places AS (
    SELECT array_agg(id ORDER BY name) AS ids FROM (SELECT * FROM places LIMIT %(places)s) AS few
), devices AS (
    SELECT array_agg(id ORDER BY id) AS ids FROM devices
), came AS (
    SELECT gen_random_uuid() AS id, now() - %(days)s * interval '1 day' * number / %(visits)s AS at,
        places.ids[1 + (number * 7919 + number / 31) %% %(places)s] AS place_id,
        devices.ids[1 + (number * 104729) %% cardinality(devices.ids)] AS device_id
    FROM generate_series(1, %(visits)s::bigint - 1) AS number, places, devices
), visits AS (
    INSERT INTO visits (id, device_id, geofence_id, place_id, organisation_id, phase, phase_since,
        entered_at, dwell_after, dwelled_at, exited_at, confidence, initial, told, due_at)
    SELECT id, device_id, place_id, place_id, %(organisation)s, 'ended', at, at,
        interval '5 minutes', at + interval '5 minutes', at + interval '40 minutes', 3, false,
        false, at FROM came
)
INSERT INTO transitions (id, visit_id, device_id, geofence_id, place_id, organisation_id, kind,
    reason, confidence, initial, occurred_at, detected_at)
SELECT gen_random_uuid(), id, device_id, place_id, place_id, %(organisation)s, kind,
    'clearly-inside', 3, false, at + after, at + after
FROM came, (VALUES ('entered', interval '0'), ('dwelled', interval '5 minutes'),
    ('exited', interval '40 minutes')) AS kinds (kind, after)
"""
TOLD = """
INSERT INTO decisions (id, organisation_id, campaign_id, version, trigger, person_id, place_id,
    transition_id, reason, gates_passed, detail, decided_at)
SELECT gen_random_uuid(), organisation_id, %(campaign)s, 1, 'entered', device_id, place_id, id, '',
    '{}', '{}', occurred_at
FROM transitions WHERE kind = 'entered' AND abs(hashtext(id::text)) %% 10 = 0
"""


def run(server: Server, *, seed: int, quick: bool) -> Iterator[Figure]:
    """Measure, and yield the figure."""
    visits = QUICK_VISITS if quick else VISITS
    town = make_town(
        server, "replay", places=PLACES, campaigns=1, elsewhere=0, people=PEOPLE, seed=seed
    )
    with psycopg.connect(town.url) as connection:
        connection.execute(COUNTED, {"version": TEXTS[Purpose.STATISTICS].version})
        connection.execute(
            CAME,
            {"places": PLACES, "visits": visits, "days": DAYS, "organisation": ORGANISATION},
        )
        [(campaign_id,)] = connection.execute("SELECT id FROM campaigns").fetchall()
        connection.execute(TOLD, {"campaign": campaign_id})
    town.settle()
    replay_id = _ask(town.url)
    spawning = multiprocessing.get_context("spawn")
    ours, its = spawning.Pipe()
    process = spawning.Process(target=work, args=(town.url, replay_id, its))
    process.start()
    seen: set[float] = set()
    with psycopg.connect(town.url, autocommit=True) as connection:
        while process.is_alive() and not ours.poll(LOOK):
            [(share,)] = connection.execute("SELECT share_done FROM campaign_replays").fetchall()
            seen.add(share)
        [(state, result)] = connection.execute(
            "SELECT state, result FROM campaign_replays"
        ).fetchall()
    if state != ReplayState.DONE:
        raise RuntimeError(f"The replay is {state}.")
    seconds, busy_s, peak_mb = ours.recv()
    process.join()
    yield Figure(
        case="campaigns.replay",
        value=round(seconds, 1),
        unit="s",
        peer="asked",
        peer_value=ASKED_S,
        ratio=round(ASKED_S / seconds, 2),
        params={
            "visits": visits,
            "decided": result["decided"]["times"],
            "sent": result["sent"]["times"],
            "people": result["sent"]["people"],
            "progress": len(seen),
            "cpu_s": round(busy_s, 1),
            "peak_mb": round(peak_mb),
        },
    )


def work(url: str, replay_id: UUID, pipe: Connection) -> None:
    """Work on a replay in a process of its own, as a worker does."""
    os.environ.update(environment(url))
    # They read their settings when they are first asked for anything.
    from workers.jobs import replays as jobs  # noqa: PLC0415

    began, busy = time.perf_counter(), time.process_time()
    jobs.carry_out([str(replay_id)])
    seconds, busy_s = time.perf_counter() - began, time.process_time() - busy
    pipe.send((seconds, busy_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def _ask(url: str) -> UUID:
    """Make a draft for all the places, and ask for its replay."""
    engine, at = make_engine(url, pool_size=1), clock.now()
    with transaction(make_session_factory(engine)) as session:
        listing_id = session.scalars(select(Campaign.listing_id)).one()
        said = CampaignDraft(
            listing_id=listing_id,
            name="Replayed",
            purpose=Purpose.NEARBY,
            campaign_class=CampaignClass.SERVICE,
            definition=_definition(),
        )
        grant = by_operator(ORGANISATION, Right.CAMPAIGNS_WRITE)
        made, _ = service.make_campaign(session, said, campaign_id=None, grant=grant, at=at)
        replay = CampaignReplay(
            id=uuid4(),
            organisation_id=ORGANISATION,
            campaign_id=made.id,
            version=1,
            days=DAYS,
            since=at - timedelta(days=DAYS),
            state=ReplayState.QUEUED,
            asked_at=at,
            due_at=at,
        )
        session.add(replay)
    engine.dispose()
    return replay.id


def _definition() -> Definition:
    text = Text(title="{listing} today", body="At {place}.")
    return Definition(
        triggers=(Trigger.ENTERED, Trigger.DWELLED),
        audience=Audience(roles=(Role.CITIZEN,), hold_out=0.1),
        content=(Variant(name="a", texts={"en-GB": text}),),
        places=PlaceSet(categories=("library",)),
        schedule=Schedule(windows=EVERY_HOUR),
        only_when_open=True,
        cap=Cap(messages=3, within=timedelta(days=7)),
    )
