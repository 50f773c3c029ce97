"""What campaigns cost: deciding on what people do, telling very many at once, replaying a month."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from bench import campaigns_broadcast, campaigns_decide, campaigns_replay
from bench.database import Server, database_server
from bench.report import Figure, introduce, options, pick, tell

CASES: Mapping[str, Callable[..., Iterator[Figure]]] = {
    "campaigns.decide": campaigns_decide.run,
    "campaigns.broadcast": campaigns_broadcast.run,
    "campaigns.replay": campaigns_replay.run,
}
"""Each case's `run(server, seed=…, quick=…)` makes databases of its own on the server."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the cases that are asked for."""
    chosen = options(__doc__).parse_args(argv)
    wanted = pick(CASES, chosen.case)
    introduce(chosen.seed, "psycopg", "sqlalchemy", "opening-hours-py", "msgspec")
    with database_server() as server:
        tell(_figures(server, wanted, seed=chosen.seed, quick=chosen.quick), as_json=chosen.json)
    return 0


def _figures(server: Server, wanted: Sequence[str], *, seed: int, quick: bool) -> Iterator[Figure]:
    for name in wanted:
        yield from CASES[name](server, seed=seed, quick=quick)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
