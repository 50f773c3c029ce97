"""A push service that says 201 to everything and looks at nothing, after a while if so told.

    python -m bench.push_server --unix PATH [--delay 0.05]
    python -m bench.push_server --port N --certificate FILE --key FILE [--delay 0.05]

By itself it speaks HTTP/1.1 over TLS; nginx before it adds HTTP/2. It is lean, so that the sender
is what is measured.
"""

import argparse
import asyncio
import re
import ssl
import sys
from collections.abc import Callable
from typing import cast

import uvloop
from typing_extensions import override

ANSWER = (
    b"HTTP/1.1 201 Created\r\nLocation: https://localhost/m/1\r\nTTL: 600\r\n"
    b"Content-Length: 0\r\n\r\n"
)
LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


class PushServer(asyncio.Protocol):
    """Counts requests by the lengths of their bodies and answers each."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._held = b""
        self._write: Callable[[bytes], None] = lambda _: None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._write = cast("asyncio.WriteTransport", transport).write

    @override
    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n") + 4) >= 4:
            told = LENGTH.search(self._held, 0, end)
            end += int(told[1]) if told else 0
            if len(self._held) < end:
                return
            self._held = self._held[end:]
            if self._delay_s:
                asyncio.get_running_loop().call_later(self._delay_s, self._write, ANSWER)
            else:
                self._write(ANSWER)


async def serve(chosen: argparse.Namespace) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    if chosen.unix:
        server = await loop.create_unix_server(lambda: PushServer(chosen.delay), chosen.unix)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chosen.certificate, chosen.key)
        server = await loop.create_server(
            lambda: PushServer(chosen.delay), "127.0.0.1", chosen.port, ssl=context, backlog=4096
        )
    await server.serve_forever()


def main(arguments: list[str]) -> int:
    """Serve as told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unix")
    parser.add_argument("--port", type=int)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--delay", type=float, default=0, help="seconds before each answer")
    uvloop.run(serve(parser.parse_args(arguments)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
