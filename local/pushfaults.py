"""Misbehaviour on request, so that a sender can be tried against push services gone wrong."""

import asyncio
from collections.abc import Mapping

from aiohttp import web
from pydantic import BaseModel, Field

CHUNK_BYTES = 64 * 1024


class Fault(BaseModel, frozen=True, extra="forbid"):
    """How to misbehave towards the next push, or the next `times` pushes."""

    token: str | None = None
    """Only towards this subscription; towards any if absent."""
    times: int = Field(default=1, ge=1, le=100_000)
    store: bool = False
    """Take the message in as usual before misbehaving."""
    status: int | None = Field(default=None, ge=200, le=599)
    """Answer with this; the usual 201 if absent."""
    headers: dict[str, str] = {}
    delay_s: float = Field(default=0, ge=0)
    """Wait before answering."""
    drop_connection: bool = False
    """Break the connection: without an answer, or after its head if `status` is given."""
    body_bytes: int = Field(default=0, ge=0)
    """Answer with a body this long."""
    drip_s: float = Field(default=0, ge=0)
    """Send that body byte by byte with this pause between."""

    @property
    def answered(self) -> int | None:
        """The status that the sender gets to see; none if it is hung up on."""
        if self.drop_connection and self.status is None:
            return None
        return self.status or 201


async def misbehave(
    request: web.Request, fault: Fault, *, headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    """Answer as planned; `headers` are those that a sound answer would have."""
    await asyncio.sleep(fault.delay_s)
    if fault.answered is None:
        _hang_up(request)
        return web.Response()
    response = web.StreamResponse(
        status=fault.answered, headers={**(headers or {}), **fault.headers}
    )
    # A head that promises more than comes lets the sender see that the connection broke.
    response.content_length = fault.body_bytes + fault.drop_connection
    await response.prepare(request)
    if fault.drop_connection:
        _hang_up(request)
        return response
    await _send_body(response, fault)
    await response.write_eof()
    return response


async def _send_body(response: web.StreamResponse, fault: Fault) -> None:
    step = 1 if fault.drip_s else CHUNK_BYTES
    for start in range(0, fault.body_bytes, step):
        await response.write(b"x" * min(step, fault.body_bytes - start))
        await asyncio.sleep(fault.drip_s)


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()
