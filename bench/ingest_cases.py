"""What the intake is measured at: how many geofences and connections, which walks, beside whom."""

from dataclasses import dataclass

from bench.ingest_errands import Gait
from bench.report import pick

CALM = Gait(step_m=4, to_and_fro_m=120)
HARD = Gait(step_m=60)
DEVICES = 10_000
STEPS = 200
EACH, SET, OWN = "one PostGIS query a ping", "PostGIS set-based", "one transaction a request"
COPY, TILE38 = "COPY into the same table", "Tile38 pipelined by 100"
HTTP = "HTTP alone, nothing stored"
UNGUARDED, TRUSTING = "without row-level security", "without authentication"
PEER_APP, BARE_APP = "bench.ingest_peer_app:app", "bench.ingest_bare_app:app"
OVER_HTTP = {
    EACH: (PEER_APP, "/each"),
    SET: (PEER_APP, "/set"),
    OWN: (PEER_APP, "/own"),
    HTTP: (BARE_APP, "/"),
    UNGUARDED: ("bench.ingest_unguarded_app:app", "/v1/pings"),
    TRUSTING: ("bench.ingest_trusting_app:app", "/v1/pings"),
}
"""Which application each peer is, and its path."""
PEER_CONNECTIONS = 32
"""A transaction waits for the disk; more of them at once is what suits those peers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is measured, and beside whom."""

    name: str
    geofences: int
    gait: Gait = CALM
    connections: int = 64
    size: int = 100
    peers: tuple[str, ...] = ()
    devices: int = DEVICES
    steps: int = STEPS
    of_latency: bool = False
    """The figure is the 99th percentile in milliseconds and not pings a second."""
    of_cost: bool = False
    """The figure is microseconds a ping."""
    without: str | None = None
    """The service with a part left out, if what the part costs is the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long and how often."""

    seconds: float = 5.0
    warm_s: float = 4.0
    runs: int = 3
    rounds: int = 20
    """How often a part's cost is measured,"""
    round_s: float = 2.0
    """and for how long each of the two."""
    devices: int = DEVICES
    copied_blocks: int = 600


BATCH_PEERS = (EACH, SET, COPY, TILE38)
CASES = (
    Case(name="ingest.batch100.10k", geofences=10_000, peers=BATCH_PEERS),
    Case(name="ingest.batch100.100k", geofences=100_000, peers=BATCH_PEERS),
    Case(name="ingest.batch100.100k.hard", geofences=100_000, gait=HARD, peers=BATCH_PEERS),
    Case(
        name="ingest.single256",
        geofences=100_000,
        connections=256,
        size=1,
        peers=(OWN, EACH, HTTP),
    ),
    Case(
        name="ingest.single8_p99",
        geofences=100_000,
        connections=8,
        size=1,
        peers=(OWN, HTTP),
        of_latency=True,
    ),
    Case(name="ingest.rls.batch100", geofences=10_000, without=UNGUARDED),
    Case(name="ingest.rls.single", geofences=10_000, connections=256, size=1, without=UNGUARDED),
    Case(
        name="ingest.auth_batch",
        geofences=10_000,
        connections=2,
        without=TRUSTING,
        of_latency=True,
    ),
    Case(name="ingest.auth_single", geofences=10_000, connections=256, size=1, without=TRUSTING),
    Case(name="ingest.batch100.1m", geofences=1_000_000, peers=(EACH, SET, COPY)),
)
COSTS = tuple(
    Case(
        name=f"ingest.cost.{name}.{size}",
        geofences=geofences,
        size=size,
        devices=2_000,
        steps=1_000,
        of_cost=True,
    )
    for name, geofences in (("1k", 1_000), ("10k", 10_000), ("100k", 100_000), ("1m", 1_000_000))
    for size in (1, 10, 100, 1_000)
)
QUICK = (
    Case(name="ingest.batch100.10k", geofences=10_000, peers=BATCH_PEERS),
    Case(name="ingest.single8_p99", geofences=10_000, connections=8, size=1, of_latency=True),
)
QUICK_PACE = Pace(
    seconds=2.0, warm_s=1.0, runs=1, rounds=5, round_s=0.8, devices=2_000, copied_blocks=100
)
COST_PACE = Pace(seconds=3.0, warm_s=2.0)


def cases_of(wanted: str | None, *, quick: bool, costs: bool) -> list[Case]:
    """Return the cases that are asked for, or a few small ones where only haste is asked for.

    Args:
        wanted: A case's name or the beginning of several.
        quick: Whether it must not take long.
        costs: Whether the costs by size and batch are meant.

    Raises:
        SystemExit: There is no such case.
    """
    if costs or (wanted or "").startswith("ingest.cost"):
        there = COSTS
    else:
        there = QUICK if quick and wanted is None else CASES
    by_name = {case.name: case for case in there}
    return [by_name[name] for name in pick(by_name, wanted)]


def pace_of(*, quick: bool, costs: bool) -> Pace:
    """Return how long and how often."""
    if quick:
        return QUICK_PACE
    return COST_PACE if costs else Pace()
