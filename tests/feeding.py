"""A web server on loopback that has a feed, and what it is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from typing import Any

from typing_extensions import override


@dataclass
class Site:
    """What the server answers: with an ETag it knows again who has it already."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/calendar; charset=utf-8"
    etag: str | None = None
    location: str | None = None
    pause_s: float = 0
    asked: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """The feed's address."""
        return f"http://127.0.0.1:{self.port}/events.ics"

    def tell(self, *events: str) -> None:
        """Have a calendar of events, each given by its lines."""
        told = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
        self.body = f"BEGIN:VCALENDAR\nVERSION:2.0\n{told}END:VCALENDAR\n".encode()


def event(uid: str, *lines: str, day: int = 20, title: str = "Story time") -> str:
    """The lines of an event at Exeter Library on a day of March 2026, from ten to eleven."""
    return "\n".join(
        [
            f"UID:{uid}",
            f"SUMMARY:{title}",
            f"DTSTART;TZID=Europe/London:202603{day:02}T100000",
            f"DTEND;TZID=Europe/London:202603{day:02}T110000",
            "LOCATION:Exeter Library",
            *lines,
        ]
    )


@contextmanager
def serving() -> Iterator[Site]:
    """Serve a site meanwhile."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append({name.lower(): value for name, value in self.headers.items()})
            sleep(site.pause_s)
            known = site.etag is not None and self.headers.get("If-None-Match") == site.etag
            self.send_response(304 if known else site.status)
            self.send_header("Content-Type", site.content_type)
            if site.etag:
                self.send_header("ETag", site.etag)
            if site.location:
                self.send_header("Location", site.location)
            body = b"" if known else site.body
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Write nothing down."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
