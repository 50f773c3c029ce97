"""A million messages through one worker process: what it holds in memory, and whether it tires.

    python -m bench.push_soak [--json] [--quick] [--case push.memory] [--seed N]

Crowd after crowd is told, each once the one before has been. After each the process that sends is
weighed. `push.memory` is what it holds at the end, in megabytes; its peer is the same process after
the first tenth. `push.soak` is deliveries a second over all of it, and its peer the first tenth.
"""

import sys
from collections.abc import Iterator, Sequence

from bench.database import database_server
from bench.push_pipeline import Run, pipeline
from bench.push_services import push_services
from bench.report import Figure, introduce, options, pick, tell

CROWD = 20_000
CROWDS, QUICK_CROWDS = 50, 5
CASES = ("push.memory", "push.soak")


def main(arguments: list[str]) -> int:
    """Tell crowd after crowd."""
    chosen = options(__doc__).parse_args(arguments)
    introduce(chosen.seed, "celery", "pycurl", "psycopg")
    names = pick(CASES, chosen.case)
    crowds = QUICK_CROWDS if chosen.quick else CROWDS
    with database_server() as server, push_services() as services:
        told = {
            "GEOSERVICES_PUSH__ALLOW_LOOPBACK": "true",
            "GEOSERVICES_PUSH__CA_FILE": str(services.certificate),
        }
        base = f"{services.url}/push/"
        runs: list[Run] = []
        held_mb: list[float] = []
        with pipeline(server, "soak", people=CROWD, base=base, told=told) as whole:
            for number in range(crowds):
                runs.append(whole.run(CROWD))
                held_mb.append(whole.memory_mb())
                whole.crowd.forget()
                said = f"{(number + 1) * CROWD} told, {runs[-1].rate:.0f}/s, {held_mb[-1]:.1f} MB"
                print(said, file=sys.stderr)
    tell((one for one in _figures(runs, held_mb) if one.case in names), as_json=chosen.json)
    return 0


def _figures(runs: Sequence[Run], held_mb: Sequence[float]) -> Iterator[Figure]:
    first = max(1, len(runs) // 10)
    early_mb = held_mb[first - 1]
    yield Figure(
        case="push.memory",
        value=round(held_mb[-1], 1),
        unit="MB",
        peer="after the first tenth",
        peer_value=round(early_mb, 1),
        ratio=round(held_mb[-1] / early_mb, 3),
        params={"messages": len(runs) * CROWD, "most_mb": round(max(held_mb), 1)},
    )
    rate, early = _rate(runs), _rate(runs[:first])
    yield Figure(
        case="push.soak",
        value=round(rate),
        unit="deliveries/s",
        peer="the first tenth",
        peer_value=round(early),
        ratio=round(rate / early, 3),
        params={
            "messages": len(runs) * CROWD,
            "slowest_crowd": round(min(run.rate for run in runs)),
        },
    )


def _rate(runs: Sequence[Run]) -> float:
    return sum(run.count for run in runs) / sum(run.seconds for run in runs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
