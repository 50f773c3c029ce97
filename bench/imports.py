"""How long a file of 100,000 tasks takes, and how long others wait for a single task meanwhile.

The file is asked for as a request does, and taken in as a whole by the real job in a process of its
own. Meanwhile single tasks of the same organisation come by their references, one after another.
Case `imports.file` is how many seconds the job takes, `imports.put_wait` the longest that a single
task took, beside the same before the file came.
"""

import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from uuid import UUID

from sqlalchemy.exc import OperationalError

from bench.database import database_server, migrate
from bench.report import Figure, introduce, options, pick, tell
from geoservices import clock
from geoservices.access.actors import by_operator
from geoservices.access.rights import Right
from geoservices.accounts.models import Organisation
from geoservices.database import (
    DatabaseRole,
    SessionFactory,
    make_engine,
    make_session_factory,
    transaction,
)
from geoservices.imports import service
from geoservices.imports.lines import TaskLine
from geoservices.imports.models import ImportMode, ImportState, TaskImport
from geoservices.imports.reading import read_csv
from geoservices.places.models import Place

CASES = ("imports.file", "imports.put_wait")
LINES, QUICK_LINES = 100_000, 5_000
PLACES = 200
ZONE = "Europe/London"
BEFORE = 50
"""Single tasks before the file comes."""
PAUSE_S = 0.05


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the cases that are asked for."""
    chosen = options(__doc__).parse_args(argv)
    wanted = pick(CASES, chosen.case)
    introduce(chosen.seed, "psycopg", "sqlalchemy")
    with database_server() as server:
        url = server.database("imports")
        migrate(url)
        sessions = make_session_factory(make_engine(url, role=DatabaseRole.OWNER, pool_size=2))
        figures = measure(url, sessions, QUICK_LINES if chosen.quick else LINES)
        tell((one for one in figures if one.case in wanted), as_json=chosen.json)
    return 0


def measure(url: str, sessions: SessionFactory, lines: int) -> Iterator[Figure]:
    """Take a file in while single tasks come, and yield both figures."""
    organisation_id = settle(sessions)
    before = [put(sessions, organisation_id, number) for number in range(BEFORE)]
    began = time.perf_counter()
    import_id = ask(sessions, organisation_id, lines)
    asking_s = time.perf_counter() - began
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    job = context.Process(target=carry_out, args=(url, import_id, theirs))
    job.start()
    during = list(put_while(job, sessions, organisation_id))
    seconds, processor_s, memory_mb = ours.recv()
    with transaction(sessions) as session:
        done = session.get_one(TaskImport, import_id)
        if done.state != ImportState.DONE or not done.applied:
            raise RuntimeError(f"the import is {done.state}")
    yield Figure(
        case="imports.file",
        value=round(seconds, 1),
        unit="s",
        params={
            "lines": lines,
            "processor_s": round(processor_s, 1),
            "job_mb": memory_mb,
            "asking_s": round(asking_s, 1),
        },
    )
    longest_ms, before_ms = round(max(during) * 1000), round(max(before) * 1000)
    yield Figure(
        case="imports.put_wait",
        value=longest_ms,
        unit="ms",
        peer="before",
        peer_value=before_ms,
        ratio=before_ms / longest_ms,
        params={"tasks": len(during), "median_ms": round(statistics.median(during) * 1000)},
    )


def settle(sessions: SessionFactory) -> UUID:
    """Make an organisation with its places; return its id."""
    at = clock.now()
    with transaction(sessions) as session:
        organisation = Organisation(slug="devon", name="Devon", time_zone=ZONE, created_at=at)
        session.add(organisation)
        session.flush()
        session.add_all(
            Place(
                organisation_id=organisation.id,
                source="bench",
                external_id=f"P{number}",
                name=f"Library {number}",
                category="library",
                point=f"SRID=4326;POINT({-3.5 + number / 1000} 50.7)",
                time_zone=ZONE,
                words=f"library {number}",
                digest=b"",
                created_at=at,
                updated_at=at,
            )
            for number in range(PLACES)
        )
        return organisation.id


def ask(sessions: SessionFactory, organisation_id: UUID, lines: int) -> UUID:
    """Ask for a file, every tenth line of which waits for the one after it; return its id."""
    rows = [
        f"A{number},P{number % PLACES},Boiler {number},{f'A{number + 1}' * (number % 10 == 0)}"
        for number in range(lines)
    ]
    text = "\n".join(["external_id,place,title,depends_on", *rows]).encode()
    with transaction(sessions) as session:
        return service.ask_for(
            session,
            read_csv(text, time_zone=ZONE, most=lines),
            mode=ImportMode.ALL_OR_NOTHING,
            dry_run=False,
            time_zone=ZONE,
            grant=by_operator(organisation_id, Right.LISTINGS_WRITE),
            at=clock.now(),
        ).id


def carry_out(url: str, import_id: UUID, answers: Connection) -> None:
    """Take the file in, as a worker does; send its time, its processor time, and its memory."""
    sessions = make_session_factory(make_engine(url, pool_size=2))
    began = time.perf_counter()
    service.carry_out(sessions, import_id)
    used = resource.getrusage(resource.RUSAGE_SELF)
    processor_s = used.ru_utime + used.ru_stime
    answers.send((time.perf_counter() - began, processor_s, round(used.ru_maxrss / 1024)))


def put_while(job: BaseProcess, sessions: SessionFactory, organisation_id: UUID) -> Iterator[float]:
    """Bring single tasks while a job runs; yield how long each took, in seconds."""
    number = BEFORE
    while job.is_alive():
        yield put(sessions, organisation_id, number)
        number += 1
        time.sleep(PAUSE_S)


def put(sessions: SessionFactory, organisation_id: UUID, number: int) -> float:
    """Bring one task; return how long it took, or until it was told to come again, in seconds."""
    line = TaskLine(external_id=f"B{number}", place="P1", title=f"Lamp {number}")
    grant = by_operator(organisation_id, Right.LISTINGS_WRITE)
    began = time.perf_counter()
    with suppress(OperationalError), transaction(sessions) as session:
        service.put_task(session, line, grant=grant, at=clock.now())
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
