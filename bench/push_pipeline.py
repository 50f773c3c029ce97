"""The whole way of deliveries: relay, broker and a worker process, to a push service and back."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from uuid import UUID

import psutil

from bench.database import Server, migrate
from bench.ingest_service import cores, cpu_s, environment
from bench.processes import running
from bench.push_crowd import Crowd
from bench.push_peers import webpush_all
from geoservices import clock
from geoservices.database import SessionFactory, make_engine, make_session_factory, transaction
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import DeliveryState
from geoservices.notifications.models import Notification
from geoservices.push.gateway import Envelope
from geoservices.push.vapid import vapid_public_key
from geoservices.settings.sending import PushSettings
from geoservices.settings.service import load_settings
from geoservices.subscriptions.models import Subscription
from local import broker
from local.configuration import free_port
from local.console import tail

WARM_UP = 2000
POLL_S = 0.05
STALLED_S = 120.0

COMMANDS = {
    "relay": ("python", "-m", "workers.relay"),
    "worker": (
        *("celery", "-A", "workers.app", "worker"),
        *("--loglevel", "WARNING", "--without-gossip", "--without-mingle"),
    ),
}


class Stalled(Exception):
    """Deliveries wait and nobody sends them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One crowd told: how fast, and how many of the cores each part kept busy."""

    count: int
    seconds: float
    worker_cores: float
    relay_cores: float
    postgres_cores: float

    @property
    def rate(self) -> float:
        """Deliveries a second, from due to settled."""
        return self.count / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A crowd, and the processes that push to it."""

    crowd: Crowd
    server: Server
    processes: Mapping[str, psutil.Process]
    sessions: SessionFactory
    push: PushSettings

    def run(self, count: int) -> Run:
        """Tell so many, and wait until the last delivery has ended.

        Raises:
            Stalled: Nothing has been settled for two minutes.
        """
        self.crowd.tell(count)
        parts = {**self.processes, "postgres": self.server.process()}
        before = {name: cpu_s([process]) for name, process in parts.items()}
        began = time.perf_counter()
        self.crowd.let_go()
        self._wait()
        seconds = time.perf_counter() - began
        busy = {
            name: cores(before[name], cpu_s([process]), seconds) for name, process in parts.items()
        }
        return Run(
            count=count,
            seconds=seconds,
            worker_cores=round(busy["worker"], 2),
            relay_cores=round(busy["relay"], 2),
            postgres_cores=round(busy["postgres"], 2),
        )

    def memory_mb(self) -> float:
        """Return how much memory the process holds that sends, in megabytes."""
        [sender] = self.processes["worker"].children()
        return float(sender.memory_info().rss) / 2**20

    def naive_rate(self, count: int) -> float:
        """Tell so many as one would without this service; return deliveries a second.

        One after the other: a transaction that claims, `webpush()` as pywebpush's manual has it,
        a transaction that settles.
        """
        self.crowd.tell(count)
        ids = self.crowd.ready()
        began = time.perf_counter()
        for id_ in ids:
            webpush_one(self.sessions, id_, self.push)
        return len(ids) / (time.perf_counter() - began)

    def _wait(self) -> None:
        left, since = self.crowd.waiting(), time.monotonic()
        while left:
            time.sleep(POLL_S)
            now = self.crowd.waiting()
            if now < left:
                left, since = now, time.monotonic()
            elif time.monotonic() - since > STALLED_S:
                log = self.server.folder / "worker.log"
                raise Stalled(f"{left} deliveries wait:\n{tail(log)}")


@contextmanager
def pipeline(
    server: Server,
    name: str,
    *,
    people: int,
    base: str,
    told: Mapping[str, str],
    workers: int = 1,
) -> Iterator[Pipeline]:
    """Have a crowd, a broker, a relay and worker processes for the block, all warm.

    Args:
        server: Where the database is made.
        name: The database's.
        people: How many there are, with a browser each.
        base: What their endpoints start with.
        told: Settings of the service beside the usual ones, as environment variables.
        workers: How many processes do the jobs.
    """
    url = server.database(name)
    migrate(url)
    with ExitStack() as started:
        broker_url = started.enter_context(
            broker.serving(
                server.folder / "broker",
                port=free_port(),
                log=server.folder / "broker.log",
                mark={},
            )
        )
        env = {**environment(url), **told, "GEOSERVICES_BROKER_URL": broker_url}
        push = _push_settings(env)
        crowd = Crowd.gather(url, people, base=base, vapid_key=vapid_public_key(push))
        engine = make_engine(url, pool_size=1)
        started.callback(engine.dispose)
        started_here = {
            part: started.enter_context(
                running(
                    (*command, *["--concurrency", str(workers)] * (part == "worker")),
                    env,
                    server.folder / f"{part}.log",
                )
            )
            for part, command in COMMANDS.items()
        }
        processes = {part: psutil.Process(process.pid) for part, process in started_here.items()}
        found = Pipeline(
            crowd=crowd,
            server=server,
            processes=processes,
            sessions=make_session_factory(engine),
            push=push,
        )
        found.run(WARM_UP)
        yield found


def webpush_one(sessions: SessionFactory, delivery_id: UUID, push: PushSettings) -> None:
    """Claim a delivery, push it with pywebpush, and settle it."""
    with transaction(sessions) as session:
        delivery = session.get_one(Delivery, delivery_id, with_for_update=True)
        notification = session.get_one(Notification, delivery.notification_id)
        subscription = session.get_one(Subscription, delivery.subscription_id)
        delivery.state = DeliveryState.SENDING
    envelope = Envelope(
        delivery_id=delivery_id,
        endpoint=subscription.endpoint,
        p256dh=subscription.p256dh,
        auth=subscription.auth,
        vapid_key=subscription.vapid_key,
        payload=notification.body.encode(),
        ttl=delivery.expires_at - clock.now(),
        urgency="normal",
        topic=notification.id.hex,
    )
    webpush_all([envelope], push)
    with transaction(sessions) as session:
        session.get_one(Delivery, delivery_id).state = DeliveryState.ACCEPTED


def _push_settings(env: Mapping[str, str]) -> PushSettings:
    kept = dict(os.environ)
    os.environ.update(env)
    try:
        return load_settings().push
    finally:
        os.environ.clear()
        os.environ.update(kept)
