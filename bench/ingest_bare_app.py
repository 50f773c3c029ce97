"""What HTTP alone allows: read as the service reads, answer as it answers, and do nothing else."""

from starlette.types import Receive, Scope, Send

from api.wire import PingAnswer, PingsAnswer, read_pings, write
from geoservices.pings.screening import Verdict


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Accept every ping that comes."""
    if scope["type"] != "http":
        raise NotImplementedError
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    pings = read_pings(body) or []
    answers = [PingAnswer(at, ping.id, Verdict.ACCEPTED) for at, ping in enumerate(pings)]
    written = write(PingsAnswer(answers, []))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(written)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": written})
