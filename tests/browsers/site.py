"""The service as browsers meet it: its pages and API at an address, and its jobs when asked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Thread
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text
from starlette.types import Receive, Scope, Send

from api.app import create_app
from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation, Purpose
from geoservices.campaigns.rules import Trigger
from geoservices.codes.links import make_code_key
from geoservices.database import (
    DatabaseRole,
    SessionFactory,
    make_engine,
    make_session_factory,
    transaction,
)
from geoservices.listings.models import ListingKind
from geoservices.push.gateway import Envelope, Outcome, OutcomeKind, WebPushGateway
from geoservices.push.vapid import make_vapid_key, vapid_public_key
from geoservices.scopes import confined_sessions
from geoservices.settings.presence import CodeSettings, PhoneSettings
from geoservices.settings.sending import PushSettings
from geoservices.settings.service import Settings
from local.configuration import HOST, free_port
from tests.browsers.google import to_loopback
from tests.eventually import eventually
from tests.factories import make_campaign, make_listing, make_organisation, make_place
from tests.jobs import app, runtime
from tests.signing import CHEAP, make_account
from workers.relay import Relay

SLUG = "browsers"
LEASE = timedelta(seconds=30)


class Line:
    """The application behind a network that can be cut for some addresses."""

    def __init__(self, application: FastAPI) -> None:
        self.application = application
        self.cut: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer as a proxy does that reaches nothing."""
        if scope.get("path") in self.cut:
            await send({"type": "http.response.start", "status": 502, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await self.application(scope, receive, send)


class LoopbackGateway:
    """The real gateway; what Chromium takes for Google's goes to the push service here."""

    def __init__(self, settings: PushSettings, google_url: str) -> None:
        self._gateway = WebPushGateway(settings)
        self._google_url = google_url

    def send(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """Send, and leave no way out of this machine."""
        return self._gateway.send([self._bent(envelope) for envelope in envelopes])

    def _bent(self, envelope: Envelope) -> Envelope:
        if envelope.endpoint.startswith(f"http://{HOST}:"):
            return envelope
        return replace(envelope, endpoint=to_loopback(envelope.endpoint, self._google_url))


@dataclass(slots=True)
class Site:
    """The running service, and what the tests ask of it."""

    url: str
    settings: Settings
    sessions: SessionFactory
    delivery_sessions: SessionFactory
    google_url: str
    line: Line

    def make_offer(self, *titles: str) -> UUID:
        """Have things on at a new place that whoever checks in there is told of."""
        with transaction(self.sessions) as session:
            organisation = session.query(Organisation).filter_by(slug=SLUG).one()
            place = make_place(session, organisation, name="Exeter Library")
            for title in titles:
                make_campaign(
                    session,
                    make_listing(session, place, title=title),
                    trigger=Trigger.CHECKED_IN,
                    purpose=Purpose.CHECK_IN_CONTENT,
                    min_confidence=1,
                )
            return place.id

    def make_task(self, title: str) -> tuple[UUID, UUID]:
        """Have something to do at a new place; return the place and the task."""
        with transaction(self.sessions) as session:
            organisation = session.query(Organisation).filter_by(slug=SLUG).one()
            place = make_place(session, organisation, name="Exeter Library")
            task = make_listing(session, place, title=title, kind=ListingKind.TASK)
            make_campaign(
                session,
                task,
                trigger=Trigger.CHECKED_IN,
                audience=Role.STAFF,
                purpose=Purpose.STAFF_TASKS,
                min_confidence=1,
            )
            return place.id, task.id

    def make_account(self, username: str) -> None:
        """Have somebody on the staff, with an account."""
        with transaction(self.sessions) as session:
            organisation = session.query(Organisation).filter_by(slug=SLUG).one()
            make_account(session, organisation, role=Role.STAFF, username=username)

    def work(self) -> None:
        """Do whatever the relay would hand to the jobs until nothing is due, in this process."""
        relay = Relay(self.sessions, outbox_lease=LEASE, push_lease=LEASE, mail_lease=LEASE)
        with patch.object(app, "send_task", run_at_once), pytest.MonkeyPatch.context() as given:
            gateway = LoopbackGateway(self.settings.push, self.google_url)
            given.setattr(runtime, "settings", lambda: self.settings)
            given.setattr(runtime, "sessions", lambda: self.sessions)
            given.setattr(runtime, "picking_sessions", lambda: self.sessions)
            given.setattr(runtime, "delivery_sessions", lambda: self.delivery_sessions)
            given.setattr(runtime, "gateway", lambda: gateway)
            while relay.relay_once():
                pass

    def send_again(self, title: str) -> None:
        """Have a notification's pushes go out once more, as when the first's fate is unknown."""
        self._change(
            "UPDATE deliveries SET state = 'queued', leased_until = NULL, due_at = now() "
            "FROM notifications n WHERE n.id = notification_id AND n.title = :title",
            title=title,
        )
        self.work()

    def push(self, payload: bytes) -> None:
        """Push something to the browser that subscribed last, whatever it means."""
        [row] = self.ask(
            "SELECT endpoint, p256dh, auth, vapid_key FROM subscriptions "
            "ORDER BY created_at DESC LIMIT 1"
        )
        envelope = Envelope(
            delivery_id=uuid4(),
            payload=payload,
            ttl=timedelta(minutes=1),
            urgency="high",
            topic=uuid4().hex,
            **row,
        )
        [outcome] = LoopbackGateway(self.settings.push, self.google_url).send([envelope])
        assert outcome.kind is OutcomeKind.ACCEPTED, outcome

    def receipts(self, title: str) -> set[str]:
        """What browsers said became of a notification."""
        rows = self.ask(
            "SELECT r.kind FROM receipts r JOIN deliveries d ON d.id = r.delivery_id "
            "JOIN notifications n ON n.id = d.notification_id WHERE n.title = :title",
            title=title,
        )
        return {row["kind"] for row in rows}

    def unread(self, titles: Sequence[str]) -> int:
        """How many notifications of these titles nobody has read."""
        [row] = self.ask(
            "SELECT count(*) AS unread FROM notifications "
            "WHERE title = ANY(:titles) AND read_at IS NULL",
            titles=list(titles),
        )
        unread: int = row["unread"]
        return unread

    def link(self, title: str) -> str:
        """Where the link leads of the push that told of something."""
        [row] = self.ask(
            "SELECT coalesce(bundle_id, id) AS id FROM notifications WHERE title = :title",
            title=title,
        )
        return f"{self.url}/notifications/{row['id']}"

    def rotate_key(self) -> None:
        """Exchange the push key; the one of before still signs for what was made with it."""
        push = self.settings.push
        old = [*push.vapid_old_private_keys, push.vapid_private_key]
        new = {
            "vapid_private_key": SecretStr(make_vapid_key()),
            "vapid_old_private_keys": old,
        }
        self.settings = self.settings.model_copy(update={"push": push.model_copy(update=new)})
        self.line.application.state.settings = self.settings
        self.line.application.state.push_key = vapid_public_key(self.settings.push)

    def subscriptions(self, device_id: str) -> list[dict[str, Any]]:
        """A device's subscriptions, the oldest first."""
        return self.ask(
            "SELECT endpoint, vapid_key, ended_at FROM subscriptions "
            "WHERE device_id = :device_id ORDER BY created_at",
            device_id=device_id,
        )

    def ask(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """Ask the database."""
        with transaction(self.sessions) as session:
            return [dict(row) for row in session.execute(text(query), values).mappings()]

    def _change(self, statement: str, **values: Any) -> None:
        with transaction(self.sessions) as session:
            session.execute(text(statement), values)


def run_at_once(name: str, arguments: Sequence[Any], **_: Any) -> None:
    """Run a job where the broker would take it."""
    app.tasks[name](*arguments)


@contextmanager
def serving_site(database_url: str, *, google_url: str) -> Iterator[Site]:
    """Serve the application on a migrated, empty database for the block."""
    engines = make_engine(database_url), make_engine(database_url, pool_size=1, by_key=True)
    callers = make_engine(database_url, role=DatabaseRole.CALLER)
    sessions, delivery_sessions = map(make_session_factory, engines)
    port = free_port()
    url = f"http://localhost:{port}"
    settings = Settings(
        database_url=SecretStr("postgresql://unused"),
        broker_url=SecretStr("redis://127.0.0.1:1/0"),
        public_url=url,
        push=PushSettings(
            vapid_private_key=SecretStr(make_vapid_key()),
            vapid_contact="mailto:test@example.org",
            allow_loopback=True,
        ),
        codes=CodeSettings(key=SecretStr(make_code_key())),
        phones=PhoneSettings(secret=SecretStr("a secret that is of no use elsewhere")),
        sign_in=CHEAP,
    )
    with transaction(sessions) as session:
        make_organisation(session, SLUG)
    app.loader.import_default_modules()
    line = Line(create_app(confined_sessions(callers), settings, intake=sessions))
    server = uvicorn.Server(
        uvicorn.Config(line, host=HOST, port=port, lifespan="off", log_level="warning")
    )
    thread = Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started, within=timedelta(seconds=60))
        yield Site(url, settings, sessions, delivery_sessions, google_url, line)
    finally:
        server.should_exit = True
        thread.join()
        for engine in (callers, *engines):
            engine.dispose()
