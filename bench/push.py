"""What a push costs: encrypting alone, sending over TLS, and the whole way through the service.

    python -m bench.push [--json] [--quick] [--case push.sender_tls] [--seed N]

`push.encrypt` and `push.sender_tls` are messages a second of the sender's processor time, that is
for each core; `push.sender_50ms`, where each answer takes 50 ms, is messages a second by the clock.
Ours and the peers run in turns, three times each, and figures are medians; `ratio` is ours to the
peer's. The crypto limit is a new key pair and one multiplication on P-256 for each message.

`push.pipeline` is deliveries a second by the clock, from due to settled, with a relay, a broker and
one worker process; `push.latency_p50` and `push.latency_p99` are milliseconds from a ping to its
push, with every process running and 200 pings a second coming in.
"""

import statistics
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import numpy as np
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from bench import push_latency as latency
from bench.database import database_folder, database_server
from bench.push_peers import agree, encode_all, webpush_all
from bench.push_pipeline import Run, pipeline
from bench.push_services import Services, on_the_first_core, push_services
from bench.report import Figure, introduce, options, pick, tell
from geoservices.push.encryption import encrypt
from geoservices.push.gateway import Envelope, OutcomeKind, WebPushGateway
from geoservices.push.vapid import make_vapid_key, vapid_public_key
from geoservices.settings.sending import DELIVERIES_A_JOB, PushSettings

ROUNDS = 3
MESSAGES, QUICK_MESSAGES = 10_000, 2_000
LIMIT, NAIVE, SESSION = "crypto limit", "webpush()", "webpush() with a session"
# What a peer sends in one round: it is slower by so much.
SHARES = {NAIVE: 0.03, SESSION: 0.1}
SLOW_SHARES = {NAIVE: 0.005, SESSION: 0.01}
PAYLOAD = b'{"web_push":8030,"mutable":true,"notification":{"title":"Reading group","body":"%s"}}'
SUBSCRIPTIONS = 1000
PIPELINE = "push.pipeline"
CROWD, QUICK_CROWD, NAIVE_CROWD = 20_000, 5_000, 200
LATENCIES = ("push.latency_p50", "push.latency_p99")
ARRIVALS, QUICK_ARRIVALS, WARM_UP_ARRIVALS = 600, 150, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Messages a second, by the clock and of the processor's time."""

    wall: float
    core: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What every case is given."""

    services: Services
    settings: PushSettings
    messages: int
    rng: np.random.Generator

    def envelopes(self, url: str) -> list[Envelope]:
        """Address messages of some 330 bytes to a thousand browsers at a push service."""
        key = vapid_public_key(self.settings)
        payload = PAYLOAD % (b"x" * 240)
        few = [
            Envelope(
                delivery_id=UUID(bytes=self.rng.bytes(16)),
                endpoint=f"{url}/push/{self.rng.bytes(48).hex()}",
                p256dh=_point(),
                auth=self.rng.bytes(16),
                vapid_key=key,
                payload=payload,
                ttl=timedelta(minutes=10),
                urgency="high",
                topic=self.rng.bytes(16).hex(),
            )
            for _ in range(min(SUBSCRIPTIONS, self.messages))
        ]
        return [replace(few[number % len(few)]) for number in range(self.messages)]


def main(arguments: list[str]) -> int:
    """Measure each case."""
    chosen = options(__doc__).parse_args(arguments)
    introduce(chosen.seed, "cryptography", "pycurl", "pywebpush", "requests")
    names = pick([*CASES, PIPELINE, *LATENCIES], chosen.case)
    alone = [name for name in names if name in CASES]
    if alone:
        _measure_alone(alone, chosen)
    if PIPELINE in names:
        tell(_pipeline(quick=chosen.quick), as_json=chosen.json)
    if wanted := [name for name in names if name in LATENCIES]:
        with database_folder() as folder, latency.service(folder) as service:
            latency.latencies_ms(service, WARM_UP_ARRIVALS)
            took_ms = latency.latencies_ms(service, QUICK_ARRIVALS if chosen.quick else ARRIVALS)
        told = (figure for figure in latency.figures(took_ms) if figure.case in wanted)
        tell(told, as_json=chosen.json)
    return 0


def _measure_alone(names: Sequence[str], chosen: Namespace) -> None:
    with push_services() as services, on_the_first_core():
        print(f"push service: {services.name}", file=sys.stderr)
        stage = Stage(
            services=services,
            settings=_settings(services.certificate),
            messages=QUICK_MESSAGES if chosen.quick else MESSAGES,
            rng=np.random.default_rng(chosen.seed),
        )
        for name in names:
            tell(CASES[name](name, stage), as_json=chosen.json)


def _pipeline(*, quick: bool) -> Iterator[Figure]:
    """Have a crowd told by the whole service, and some of it by the naive way, in turns."""
    count = QUICK_CROWD if quick else CROWD
    with database_server() as server, push_services() as services:
        told = {
            "GEOSERVICES_PUSH__ALLOW_LOOPBACK": "true",
            "GEOSERVICES_PUSH__CA_FILE": str(services.certificate),
        }
        base = f"{services.url}/push/"
        with pipeline(server, "pipeline", people=count, base=base, told=told) as whole:
            runs: list[Run] = []
            naive: list[float] = []
            for _ in range(ROUNDS):
                runs.append(whole.run(count))
                naive.append(whole.naive_rate(NAIVE_CROWD))
    ours, theirs = (statistics.median(rates) for rates in ([run.rate for run in runs], naive))
    yield Figure(
        case=PIPELINE,
        value=round(ours),
        unit="deliveries/s",
        peer="webpush() one by one",
        peer_value=round(theirs, 1),
        ratio=round(ours / theirs, 1),
        params={
            "deliveries": count,
            "cores_worker": runs[-1].worker_cores,
            "cores_relay": runs[-1].relay_cores,
            "cores_postgres": runs[-1].postgres_cores,
            "spread": f"{min(run.rate for run in runs):.0f}-{max(run.rate for run in runs):.0f}",
        },
    )


def encryption(name: str, stage: Stage) -> Iterator[Figure]:
    """Encrypt alone."""
    envelopes = stage.envelopes(stage.services.url)
    few = envelopes[: len(envelopes) // 2]
    rates = in_turns(
        {
            "ours": (len(envelopes), partial(_encrypt_all, envelopes)),
            "WebPusher.encode": (len(few), partial(encode_all, few)),
            LIMIT: (len(envelopes), partial(agree, len(envelopes))),
        }
    )
    yield from _figures(name, rates, by=lambda rate: rate.core, unit="msg/s/core")


def sender_tls(name: str, stage: Stage) -> Iterator[Figure]:
    """Send to a push service that answers at once; both cores have all they can do."""
    services, count = stage.services, stage.messages
    works = _senders(stage, services.url, SHARES) | {LIMIT: (count, partial(agree, count))}
    if services.http_1 is not None:
        by_http_1 = _sender(stage, stage.envelopes(services.http_1))
        works["ours by HTTP/1.1"] = (count, by_http_1)
    yield from _figures(name, in_turns(works), by=lambda rate: rate.core, unit="msg/s/core")


def sender_50ms(name: str, stage: Stage) -> Iterator[Figure]:
    """Send to a push service that takes as long to answer as one on the internet."""
    rates = in_turns(_senders(stage, stage.services.slow, SLOW_SHARES))
    yield from _figures(name, rates, by=lambda rate: rate.wall, unit="msg/s")


CASES: Mapping[str, Callable[[str, Stage], Iterator[Figure]]] = {
    "push.encrypt": encryption,
    "push.sender_tls": sender_tls,
    "push.sender_50ms": sender_50ms,
}


def in_turns(
    works: Mapping[str, tuple[int, Callable[[], object]]], *, rounds: int = ROUNDS
) -> dict[str, list[Rate]]:
    """Do each work once unmeasured and then in turns; tell how many messages a second it made."""
    rates: dict[str, list[Rate]] = {name: [] for name in works}
    for measured in range(rounds + 1):
        for name, (count, work) in works.items():
            wall, core = time.perf_counter(), time.process_time()
            work()
            wall, core = time.perf_counter() - wall, time.process_time() - core
            if measured:
                rates[name].append(Rate(wall=count / wall, core=count / core))
    return rates


def _figures(
    name: str, rates: Mapping[str, Sequence[Rate]], *, by: Callable[[Rate], float], unit: str
) -> Iterator[Figure]:
    """Tell ours beside each peer's."""
    values = {one: statistics.median(map(by, told)) for one, told in rates.items()}
    ours = sorted(map(by, rates["ours"]))
    for peer in [one for one in rates if one != "ours"]:
        yield Figure(
            case=name,
            value=round(values["ours"]),
            unit=unit,
            peer=peer,
            peer_value=round(values[peer]),
            ratio=round(values["ours"] / values[peer], 3),
            params={
                "wall": round(statistics.median(rate.wall for rate in rates["ours"])),
                "core": round(statistics.median(rate.core for rate in rates["ours"])),
                "peer_wall": round(statistics.median(rate.wall for rate in rates[peer])),
                "spread": f"{ours[0]:.0f}-{ours[-1]:.0f}",
            },
        )


def _senders(
    stage: Stage, url: str, shares: Mapping[str, float]
) -> dict[str, tuple[int, Callable[[], object]]]:
    envelopes = stage.envelopes(url)
    works: dict[str, tuple[int, Callable[[], object]]] = {
        "ours": (len(envelopes), _sender(stage, envelopes))
    }
    for peer, share in shares.items():
        few = envelopes[: round(len(envelopes) * share)]
        session = requests.Session() if peer == SESSION else None
        works[peer] = (len(few), partial(webpush_all, few, stage.settings, session))
    return works


def _sender(stage: Stage, envelopes: Sequence[Envelope]) -> Callable[[], object]:
    """Send as a worker does: one gateway, job after job."""
    gateway = WebPushGateway(stage.settings)

    def send() -> None:
        for start in range(0, len(envelopes), DELIVERIES_A_JOB):
            for outcome in gateway.send(envelopes[start : start + DELIVERIES_A_JOB]):
                if outcome.kind is not OutcomeKind.ACCEPTED:
                    sys.exit(f"A push was not accepted: {outcome}")

    return send


def _encrypt_all(envelopes: Sequence[Envelope]) -> None:
    for envelope in envelopes:
        encrypt(envelope.payload, p256dh=envelope.p256dh, auth=envelope.auth)


def _settings(certificate: Path) -> PushSettings:
    return PushSettings(
        vapid_private_key=SecretStr(make_vapid_key()),
        vapid_contact="mailto:push@geoservices.example",
        allow_loopback=True,
        ca_file=certificate,
    )


def _point() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
