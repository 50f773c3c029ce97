"""The load of the intake's bench: right requests, an honest count, and the peers' protocols."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.ingest_errands import Curve, Gait
from bench.ingest_load import Refused, drive
from bench.ingest_peers import PIPELINED, Tile38, command, positions_of
from bench.ingest_plot import LINE_HEIGHT, draw
from bench.ingest_walks import Walks
from local.configuration import HOST, free_port
from tests.geodesics import geodesic_m

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
DEVICES, STEPS = 3, 20
CORNERS = np.array([[-3.53, 50.72], [0.1, -51.5], [-12.0, 5.0]])
ANSWER = b'{"pings":[{"verdict":"accepted"}],"transitions":[{"visit_id":"1"},{"visit_id":"2"}]}'


@pytest.fixture
def walks() -> Walks:
    """Three devices that walk twenty steps and back."""
    return Walks.lay_out(
        Curve.through(CORNERS).walks(CORNERS, Gait(step_m=60), STEPS),
        ["gsd_one", "gsd_two", "gsd_three"],
        pings=400,
        since=NOON,
        rng=np.random.default_rng(1),
    )


def body_of(request: bytes) -> dict[str, list[dict[str, object]]]:
    """The JSON of a request, which is as long as its head says."""
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.endswith(b"Content-Length: %d" % len(body))
    read: dict[str, list[dict[str, object]]] = json.loads(body)
    return read


def test_requests_go_on_with_the_walk_in_time_and_space(walks: Walks) -> None:
    """Each ping is 10 s and 60 m from the one before, where the walk turns back too; ids differ."""
    batches = [body_of(walks.request(0, begin, 10, "/v1/pings")) for begin in range(0, 80, 10)]
    pings = [ping for batch in batches for ping in batch["pings"]]

    times = [datetime.fromisoformat(str(ping["recorded_at"])) for ping in pings]
    places = [(float(str(ping["lon"])), float(str(ping["lat"]))) for ping in pings]
    steps_m = [geodesic_m(*a, *b) for a, b in pairwise(places)]
    assert times == [NOON + number * timedelta(seconds=10) for number in range(80)]
    assert len({UUID(str(ping["id"])) for ping in pings}) == 80
    turns = [number for number, step_m in enumerate(steps_m) if step_m < 0.5]
    assert turns == [19, 39, 59]
    assert all(step_m == pytest.approx(60, rel=0.01) for step_m in steps_m if step_m >= 0.5)
    assert {ping["accuracy_m"] for ping in pings} <= set(range(5, 16))


def test_one_ping_goes_without_a_list(walks: Walks) -> None:
    """As the API takes it."""
    assert body_of(walks.request(1, 0, 1, "/v1/pings")).keys() >= {"id", "lon", "lat"}


@given(lon=st.floats(-99.9, 99.9), lat=st.floats(-89, 89), seed=st.integers(0, 9))
def test_degrees_are_written_as_they_are(lon: float, lat: float, seed: int) -> None:
    """On both sides of the meridian and of the equator, to a millionth of a degree."""
    walks = Walks.lay_out(
        np.array([[[lon, lat]]]),
        ["gsd_one"],
        pings=1,
        since=NOON,
        rng=np.random.default_rng(seed),
    )

    ping = body_of(walks.request(0, 0, 1, "/"))

    assert float(str(ping["lon"])) == pytest.approx(lon, abs=5.1e-7)
    assert float(str(ping["lat"])) == pytest.approx(lat, abs=5.1e-7)


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on loopback that answers each connection in a thread of its own."""
    with socket.create_server((HOST, free_port())) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def http(status: bytes, requests: list[bytes]) -> Callable[[socket.socket], None]:
    """Answer every request with a status, in two pieces, and keep its body."""

    def answer(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as read:
            while head := read.readline():
                length = 0
                while head.strip():
                    name, _, value = head.partition(b":")
                    length = int(value) if name == b"Content-Length" else length
                    head = read.readline()
                requests.append(read.read(length))
                told = b"HTTP/1.1 %b\r\ncontent-length: %d\r\n\r\n" % (status, len(ANSWER))
                connection.sendall(told + ANSWER[:20])
                connection.sendall(ANSWER[20:])

    return answer


def test_what_is_counted_is_what_was_answered(walks: Walks) -> None:
    """Each request once, in order for each device, and the two words in each answer."""
    seen: list[bytes] = []
    with serving(http(b"200 OK", seen)) as port:
        # So long that even a machine with much else to do sends more than a few.
        load = drive([port], walks, connections=2, size=1, seconds=1, ahead=10)

    sent = [json.loads(body) for body in seen]
    assert load.requests == load.accepted == len(sent) == sum(walks.sent) > 10
    assert load.transitions == 2 * load.requests
    assert load.by_port == {port: load.requests}
    assert len(load.latencies_s) == load.requests
    assert Counter(ping["recorded_at"] for ping in sent).most_common(1)[0][1] <= DEVICES
    assert load.latency_ms(0.5) <= load.latency_ms(0.99)


def test_any_other_answer_ends_the_run(walks: Walks) -> None:
    """A bench that counts refusals would measure nothing."""
    with serving(http(b"503 Service Unavailable", [])) as port, pytest.raises(Refused, match="503"):
        drive([port], walks, connections=1, size=1, seconds=5)


def test_tile38_is_told_of_the_walks_in_its_protocol(walks: Walks) -> None:
    """RESP: arrays of bulk strings, `SET` with latitude first, an answer for each."""
    got: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        with connection:
            while read := connection.recv(1 << 16):
                got.append(read)
                connection.sendall(b"+OK\r\n" * read.count(b"*"))

    long = Walks(heads=walks.heads, records=np.repeat(walks.records, 5, axis=1), clock=walks.clock)
    requests = list(positions_of(long, ["a", "b", "c"]))
    with serving(answer) as port, closing(Tile38(port)) as rival:
        rate = rival.rate(requests)

    told = b"".join(got)
    assert rate > 0
    assert told == b"".join(requests)
    assert told.count(b"$3\r\nSET\r\n") == DEVICES * PIPELINED
    assert told.startswith(
        b"*6\r\n$3\r\nSET\r\n$5\r\nfleet\r\n$1\r\na\r\n$5\r\nPOINT\r\n$9\r\n50.7"
    )


def test_a_command_counts_bytes_and_not_letters() -> None:
    """As RESP does."""
    assert command("SET", "café") == "*2\r\n$3\r\nSET\r\n$5\r\ncafé\r\n".encode()


def test_the_plot_says_in_words_what_it_shows(tmp_path: Path) -> None:
    """A title, a description with every figure, a line for each size, and labels apart."""
    file = tmp_path / "costs.svg"

    draw({1: [(1_000, 60.5), (1_000_000, 90.0)], 100: [(1_000, 87.0), (1_000_000, 89.0)]}, file)

    drawn = ET.parse(file).getroot()  # noqa: S314  # We wrote it.
    space = {"svg": "http://www.w3.org/2000/svg"}
    assert "60.5 µs at 1,000 geofences" in drawn.findtext("svg:desc", "", space)
    assert len(drawn.findall("svg:polyline", space)) == 2
    assert len(drawn.findall("svg:circle", space)) == 4
    first, second = (
        float(label.attrib["y"])
        for label in drawn.findall("svg:text", space)
        if (label.text or "").endswith("a request")
    )
    assert second - first >= LINE_HEIGHT


@given(
    points=st.lists(
        st.tuples(st.floats(-5, 1.5), st.floats(50, 55)), min_size=2, max_size=30, unique=True
    ),
    gait=st.sampled_from([Gait(step_m=60), Gait(step_m=4, to_and_fro_m=120)]),
)
def test_people_walk_at_a_constant_pace_and_never_farther(
    points: list[tuple[float, float]], gait: Gait
) -> None:
    """Straight from stop to stop; a corner makes a step shorter, and nothing makes it longer."""
    places = np.array(points)

    walks = Curve.through(places).walks(places, gait, 100)

    for walk in walks.tolist():
        steps_m = [geodesic_m(*a, *b) for a, b in pairwise(walk)]
        assert max(steps_m) <= gait.step_m * 1.02
        if gait.to_and_fro_m:
            assert max(geodesic_m(*walk[0], *there) for there in walk) <= 2.04 * gait.to_and_fro_m


def test_the_curve_goes_to_what_is_near_first() -> None:
    """Of two towns it leaves the first when it has been everywhere in it."""
    rng = np.random.default_rng(1)
    towns = np.array([[-3.5, 50.7], [0.1, 51.5]])
    places = (towns[:, None] + rng.uniform(-0.01, 0.01, (2, 50, 2))).reshape(-1, 2)

    curve = Curve.through(rng.permutation(places))

    is_western = curve.middles[:, 0] < -1
    assert np.count_nonzero(np.diff(is_western)) == 1
