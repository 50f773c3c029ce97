"""The bench of pushes: figures in turns, and a push service that answers everything."""

import asyncio
from pathlib import Path

import pytest

from bench.push import CASES, in_turns, main
from bench.push_crowd import Crowd
from bench.push_server import ANSWER, PushServer
from geoservices import clock
from geoservices.database import SessionFactory, transaction
from geoservices.deliveries import service
from geoservices.deliveries.lanes import SINGLES
from tests.notifying import KEY, PUSH, RECEIPT_KEY, URL


def test_each_work_is_done_in_its_turn_and_the_first_round_is_not_counted() -> None:
    """So that what else the machine does slows all of them alike."""
    done: list[str] = []

    rates = in_turns(
        {name: (10, lambda name=name: done.append(name)) for name in ("ours", "peer")},  # type: ignore[misc]
        rounds=3,
    )

    assert done == ["ours", "peer"] * 4
    assert {name: len(told) for name, told in rates.items()} == {"ours": 3, "peer": 3}


def test_a_case_that_is_not_there_is_named() -> None:
    """With those that are."""
    with pytest.raises(SystemExit, match=", ".join(CASES)):
        main(["--case", "push.nothing"])


def test_each_request_is_answered_once_however_it_is_cut(tmp_path: Path) -> None:
    """Two requests in one piece, and one in many."""
    request = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc\r\n"

    async def ask() -> bytes:
        loop, path = asyncio.get_running_loop(), str(tmp_path / "push.sock")
        server = await loop.create_unix_server(lambda: PushServer(0.01), path)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(request * 2)
        for byte in request:
            writer.write(bytes([byte]))
            await writer.drain()
        answered = await reader.readexactly(3 * len(ANSWER))
        writer.close()
        await writer.wait_closed()
        server.close()
        return answered

    assert asyncio.run(ask()) == ANSWER * 3


def test_a_crowd_is_there_to_be_told(committed: SessionFactory) -> None:
    """Everyone has a browser that can be claimed for; what is ready is due only when let go."""
    engine = committed.kw["bind"]
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    crowd = Crowd.gather(url, 20, base="https://fcm.googleapis.com/fcm/send/", vapid_key=KEY)
    with crowd.connection:
        crowd.tell(50)
        ready = crowd.ready()
        with transaction(committed) as session:
            early = SINGLES.hand_out(session, at=clock.now(), lease=PUSH.lease, limit=99)
        let_go = crowd.let_go()
        with transaction(committed) as session:
            sendings = service.claim(
                session, ready, push=PUSH, public_url=URL, receipt_key=RECEIPT_KEY, at=clock.now()
            )
        waiting = crowd.waiting()
        crowd.forget()
        left = crowd.waiting()

    assert (len(ready), early, let_go, waiting, left) == (50, [], 50, 50, 0)
    assert len({sending.envelope.endpoint for sending in sendings}) == 20
    assert len(sendings) == 50
