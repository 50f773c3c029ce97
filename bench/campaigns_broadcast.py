"""Case `campaigns.broadcast`: 100,000 people are told at once while others check in as ever.

With a relay, a broker, worker processes and a push service on loopback. First people check in,
ten a second, and nobody else is told; then a campaign with the trigger `now` runs over everybody.

`campaigns.broadcast` is how many seconds it takes from the request until the last delivery is
queued; at most 60 are allowed. `campaigns.broadcast.single_p99` is in how many milliseconds of a
check-in its push is accepted in 99 of 100 cases while the run is gone through,
`campaigns.broadcast.single_p99_sending` while it is pushed, each beside the same without a
broadcast.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import LiteralString
from uuid import UUID, uuid4

import numpy as np
import psycopg
from psycopg.types.json import Jsonb

from bench.database import Server
from bench.ingest_service import cores, cpu_s
from bench.push_crowd import Crowd
from bench.push_pipeline import Pipeline, pipeline
from bench.push_services import push_services
from bench.report import Figure
from geoservices import clock
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right, Role
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Purpose
from geoservices.campaigns import beginning, definitions
from geoservices.campaigns.definitions import Audience, Definition, Text, Variant
from geoservices.campaigns.rules import Trigger
from geoservices.campaigns.run_models import CampaignRun, CampaignRunState
from geoservices.database import transaction

ALLOWED_S = 60
PEOPLE, QUICK_PEOPLE = 100_000, 10_000
WORKERS = 2
QUIET_S, QUICK_QUIET_S = 30.0, 10.0
EVERY_S = 0.1
AFTERWARDS_S = 10.0
"""Whoever checked in last is waited for so long."""
STALLED_S = 600.0

CONSENTS: LiteralString = """
INSERT INTO consents (id, person_id, purpose, text_version, given_at)
SELECT gen_random_uuid(), id, 'nearby', %s, now() FROM people
"""
CAMPAIGN: LiteralString = """
WITH made AS (
    INSERT INTO campaigns (id, organisation_id, listing_id, name, purpose, campaign_class, version,
        created_at, submitted_at, published_at)
    VALUES (%(id)s, %(organisation)s, %(listing)s, 'bench', 'nearby', 'service', 1, now(), now(),
        now())
), versions AS (
    INSERT INTO campaign_versions (campaign_id, number, definition, made_at, in_force_from)
    VALUES (%(id)s, 1, %(definition)s, now(), now())
)
INSERT INTO campaign_places (id, campaign_id, number, listing_id)
VALUES (gen_random_uuid(), %(id)s, 1, %(listing)s)
"""
CHECK_IN: LiteralString = """
WITH made AS (
    INSERT INTO check_ins (id, device_id, place_id, organisation_id, evidence, claimed_at,
        received_at)
    SELECT %(id)s, id, %(place)s, %(organisation)s, 'inside', now(), now()
    FROM devices ORDER BY id OFFSET %(number)s LIMIT 1
), told AS (
    INSERT INTO outbox_messages (topic, subject_id, attempt_count, created_at, due_at)
    VALUES ('check-in.made', %(id)s, 0, now(), now())
)
SELECT pg_notify('geoservices_due', '')
"""
LATENCIES: LiteralString = """
SELECT extract(epoch FROM d.accepted_at - c.received_at) * 1000, c.received_at
FROM check_ins c
JOIN decisions e ON e.check_in_id = c.id
JOIN notifications n ON n.decision_id = e.id
JOIN deliveries d ON d.notification_id = n.id
WHERE c.received_at >= %s AND c.received_at < %s
"""
CHECKED_IN: LiteralString = (
    "SELECT count(*) FROM check_ins WHERE received_at >= %s AND received_at < %s"
)
# Whoever checked in meanwhile may be told of both by one push.
QUEUED: LiteralString = """
SELECT count(*) FROM decisions e JOIN notifications n ON n.decision_id = e.id
WHERE e.run_id IS NOT NULL AND EXISTS (
    SELECT FROM deliveries d WHERE d.notification_id IN (n.id, n.bundle_id)
)
"""
LEFT: LiteralString = """
SELECT count(*) FROM deliveries WHERE broadcast AND state IN ('queued', 'sending')
"""


class Untold(Exception):
    """Somebody was not told who should have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """From when until when, by the database's clock."""

    since: datetime
    until: datetime


@dataclass(slots=True, kw_only=True)
class Town:
    """The crowd with its two campaigns, and those who check in."""

    whole: Pipeline
    broadcasting: UUID
    checking_in: Iterator[int]

    @property
    def crowd(self) -> Crowd:
        """Those who are told."""
        return self.whole.crowd

    def check_in(self, seconds: float) -> None:
        """Have people check in for so long, one every tenth of a second."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.one_checks_in()

    def one_checks_in(self) -> None:
        """Have the next person check in, and let a tenth of a second pass."""
        began = time.monotonic()
        told = {**self.crowd.service, "id": uuid4(), "number": next(self.checking_in)}
        self.crowd.connection.execute(CHECK_IN, told)
        time.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))

    def begin(self) -> UUID:
        """Have the campaign tell everybody now, as the API does."""
        with transaction(self.whole.sessions) as session:
            grant = by_operator(self.crowd.service["organisation"], Right.CAMPAIGNS_WRITE)
            run, _ = beginning.begin_now(
                session, self.broadcasting, run_id=None, grant=grant, smallest=10, at=clock.now()
            )
            return run.id

    def run(self, run_id: UUID) -> CampaignRun:
        """Return how far a run has come."""
        with transaction(self.whole.sessions) as session:
            return session.get_one(CampaignRun, run_id)

    def number(self, asked: LiteralString, *given: object) -> int:
        """Return the one number that is asked for."""
        row = self.crowd.connection.execute(asked, given).fetchone()
        return int(row[0]) if row else 0

    def latencies_ms(self, spell: Spell) -> list[float]:
        """Return in how many milliseconds of each check-in its push was accepted.

        Raises:
            Untold: Of some it was not.
        """
        rows = self.crowd.connection.execute(LATENCIES, (spell.since, spell.until)).fetchall()
        took = [float(ms) for ms, _at in rows if ms is not None]
        there = self.number(CHECKED_IN, spell.since, spell.until)
        if len(took) < there:
            raise Untold(f"{there - len(took)} of {there} who checked in were told nothing")
        return took


def run(server: Server, *, seed: int, quick: bool) -> Iterator[Figure]:  # noqa: ARG001  # No lots.
    """Measure, and yield a figure for the broadcast and two for those beside it."""
    people = QUICK_PEOPLE if quick else PEOPLE
    with push_services() as services:
        told = {
            "GEOSERVICES_PUSH__ALLOW_LOOPBACK": "true",
            "GEOSERVICES_PUSH__CA_FILE": str(services.certificate),
        }
        with pipeline(
            server,
            "broadcast",
            people=people,
            base=f"{services.url}/push/",
            told=told,
            workers=WORKERS,
        ) as whole:
            town = _town(whole)
            quiet = _spell(lambda: town.check_in(QUICK_QUIET_S if quick else QUIET_S))
            run_id, began, before = town.begin(), time.monotonic(), _busy(whole)
            deciding = _spell(lambda: _while_under_way(town, run_id))
            busy_s = {
                name: round(cores(before[name], spent, elapsed_s=1), 1)
                for name, spent in _busy(whole).items()
            }
            sending = _spell(lambda: _while_sent(town))
            sent_s = time.monotonic() - began
            time.sleep(AFTERWARDS_S)
            yield from _figures(town, run_id, quiet, deciding, sending, sent_s, busy_s)


def _busy(whole: Pipeline) -> dict[str, Mapping[int, float]]:
    """Return how much processor time the workers' and PostgreSQL's processes have taken so far."""
    parts = {"worker_cpu_s": whole.processes["worker"], "postgres_cpu_s": whole.server.process()}
    return {name: cpu_s([process]) for name, process in parts.items()}


def _figures(
    town: Town,
    run_id: UUID,
    quiet: Spell,
    deciding: Spell,
    sending: Spell,
    sent_s: float,
    busy_s: dict[str, float],
) -> Iterator[Figure]:
    done = town.run(run_id)
    if done.ended_at is None or done.sent != town.crowd.people:
        raise Untold(f"{done.sent} of {town.crowd.people} were told")
    if (queued := town.number(QUEUED)) != done.sent:
        raise Untold(f"{queued} deliveries are for {done.sent} people")
    took_s = (done.ended_at - done.created_at).total_seconds()
    yield Figure(
        case="campaigns.broadcast",
        value=round(took_s, 1),
        unit="s",
        peer="allowed",
        peer_value=ALLOWED_S,
        ratio=round(took_s / ALLOWED_S, 2),
        params={
            "people": town.crowd.people,
            "workers": WORKERS,
            "all_sent_s": round(sent_s, 1),
            **busy_s,
        },
    )
    alone = town.latencies_ms(quiet)
    for name, spell in (("single_p99", deciding), ("single_p99_sending", sending)):
        meanwhile = town.latencies_ms(spell)
        yield Figure(
            case=f"campaigns.broadcast.{name}",
            value=_percentile(meanwhile, 99),
            unit="ms",
            peer="without a broadcast",
            peer_value=_percentile(alone, 99),
            ratio=round(_percentile(meanwhile, 99) / _percentile(alone, 99), 1),
            params={
                "check_ins": len(meanwhile),
                "p50": _percentile(meanwhile, 50),
                "p50_without": _percentile(alone, 50),
                "most": _percentile(meanwhile, 100),
            },
        )


def _town(whole: Pipeline) -> Town:
    connection, service = whole.crowd.connection, whole.crowd.service
    whole.crowd.forget()
    connection.execute(CONSENTS, (TEXTS[Purpose.NEARBY].version,))
    connection.execute("INSERT INTO offers (id) SELECT id FROM listings")
    broadcasting = uuid4()
    for id_, trigger in ((broadcasting, Trigger.NOW), (uuid4(), Trigger.CHECKED_IN)):
        _publish(connection, {**service, "id": id_}, trigger)
    connection.execute("VACUUM ANALYZE")
    return Town(whole=whole, broadcasting=broadcasting, checking_in=count())


def _publish(connection: psycopg.Connection, told: dict[str, UUID], trigger: Trigger) -> None:
    text = Text(title="{listing} today", body="At {place}, for everybody, from {starts} on.")
    definition = Definition(
        triggers=(trigger,),
        audience=Audience(roles=(Role.CITIZEN,)),
        content=(Variant(name="a", texts={"en-GB": text}),),
        cooldown=timedelta(hours=1),
    )
    connection.execute(CAMPAIGN, {**told, "definition": Jsonb(definitions.stored(definition))})


def _while_under_way(town: Town, run_id: UUID) -> None:
    stalls = time.monotonic() + STALLED_S
    while town.run(run_id).state == CampaignRunState.UNDER_WAY:
        town.one_checks_in()
        if time.monotonic() > stalls:
            raise Untold(f"after {STALLED_S:g} s {town.run(run_id).sent} were told")


def _while_sent(town: Town) -> None:
    stalls = time.monotonic() + STALLED_S
    while left := town.number(LEFT):
        town.check_in(1)
        if time.monotonic() > stalls:
            raise Untold(f"after {STALLED_S:g} s {left} deliveries wait")


def _spell(do: Callable[[], None]) -> Spell:
    since = clock.now()
    do()
    return Spell(since=since, until=clock.now())


def _percentile(values: Sequence[float], share: float) -> float:
    return round(float(np.percentile(values, share)), 1)
