"""What a push costs: encrypting alone, and sending over TLS to a push service on another core.

    python -m bench.push [--json] [--quick] [--case push.sender_tls] [--seed N]

`push.encrypt` and `push.sender_tls` are messages a second of the sender's processor time, that is
for each core; `push.sender_50ms`, where each answer takes 50 ms, is messages a second by the clock.
Ours and the peers run in turns, three times each, and figures are medians; `ratio` is ours to the
peer's. The crypto limit is a new key pair and one multiplication on P-256 for each message.
"""

import statistics
import sys
import time
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

from bench.push_peers import agree, encode_all, webpush_all
from bench.push_services import Services, on_the_first_core, push_services
from bench.report import Figure, introduce, options, pick, tell
from geoservices.push.encryption import encrypt
from geoservices.push.gateway import Envelope, OutcomeKind, WebPushGateway
from geoservices.push.vapid import make_vapid_key, vapid_public_key
from geoservices.settings import DELIVERIES_A_JOB, PushSettings

ROUNDS = 3
MESSAGES, QUICK_MESSAGES = 10_000, 2_000
LIMIT, NAIVE, SESSION = "crypto limit", "webpush()", "webpush() with a session"
# What a peer sends in one round: it is slower by so much.
SHARES = {NAIVE: 0.03, SESSION: 0.1}
SLOW_SHARES = {NAIVE: 0.005, SESSION: 0.01}
PAYLOAD = b'{"web_push":8030,"mutable":true,"notification":{"title":"Reading group","body":"%s"}}'
SUBSCRIPTIONS = 1000


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
    names = pick(CASES, chosen.case)
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
    return 0


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
