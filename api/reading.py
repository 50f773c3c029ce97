"""Routes that are read by whoever has their address: also their head alone."""

from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override


class ReadRoute(APIRoute):
    """A route whose GET also answers HEAD: the same without content (RFC 9110 section 9.3.2).

    Programs that preview links or look whether they still lead somewhere ask for no more.
    """

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for the head as if it were for all, and send no content."""
        if scope["method"] != "HEAD":
            await super().handle(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await super().handle({**scope, "method": "GET"}, receive, send_head)
