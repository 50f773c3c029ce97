"""Every message exactly once on each screen, while everything dies and comes back at random.

`GEOSERVICES_TEST_CHAOS_MINUTES` says for how long, `GEOSERVICES_TEST_CHAOS_SEED` which schedule.
"""

import json
import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from local.actors import Manager
from tests.conftest import THOROUGH
from tests.eventually import eventually
from tests.journeys.auditing import UNFINISHED, Books, Delivery, Occasion, audit, figures
from tests.journeys.crowd import AT_ONCE, Crowd
from tests.journeys.mishaps import Mishaps
from tests.journeys.system import System
from tests.local.conftest import open_folder

pytestmark = pytest.mark.stack

MINUTES = float(os.environ.get("GEOSERVICES_TEST_CHAOS_MINUTES", "0.5" if THOROUGH else "0.35"))
SEED = int(
    os.environ.get("GEOSERVICES_TEST_CHAOS_SEED", str(random.SystemRandom().randrange(10**6)))
)
PEOPLE = 240 if MINUTES >= 0.5 else 120
CHECK_INS_A_SECOND = 24
SETTLED = timedelta(minutes=4)
CAMPAIGNS = {
    "Offer": ("checked-in", "check-in-content", "offer"),
    "Service": ("checked-in", "check-in-content", "service"),
    "Nearby": ("entered", "nearby", "service"),
}
SETTINGS = {
    # What is lost is lost by a fault, and not because it was given up or somebody had enough.
    "GEOSERVICES_PUSH__MAX_ATTEMPTS": "20",
    "GEOSERVICES_CAMPAIGNS__PERSON_CAP": "100000",
    "GEOSERVICES_CAMPAIGNS__OFFER_CAP": "100000",
    "GEOSERVICES_CAMPAIGNS__SERVICE_CAP": "100000",
    "GEOSERVICES_CAMPAIGNS__PLACE_CAP": "100000",
}

DECISIONS = """
    SELECT v.id AS device, d.campaign_id, coalesce(d.check_in_id::text, t.kind) AS what, d.gate,
        coalesce(n.bundle_id, n.id) AS pushed_as
    FROM decisions d
    JOIN devices v ON v.person_id = d.person_id
    LEFT JOIN transitions t ON t.id = d.transition_id
    LEFT JOIN notifications n ON n.decision_id = d.id
"""
DELIVERIES = """
    SELECT d.notification_id, s.endpoint, d.state,
        ARRAY(SELECT a.outcome FROM attempts a WHERE a.delivery_id = d.id ORDER BY a.number)
            AS outcomes,
        ARRAY(SELECT r.kind FROM receipts r WHERE r.delivery_id = d.id) AS receipts
    FROM deliveries d
    JOIN subscriptions s ON s.id = d.subscription_id
"""


@pytest.fixture
def system() -> Iterator[System]:
    """The whole system, with two workers and two relays."""
    with open_folder() as folder:
        system = System(folder, twins=["worker", "relay"], **SETTINGS)
        try:
            system.start_all()
            yield system
        finally:
            system.stop_all()


@pytest.fixture
def manager(system: System) -> Iterator[Manager]:
    """A manager of Devon's."""
    with system.manager() as manager:
        yield manager


def publish(manager: Manager) -> tuple[dict[str, Any], dict[str, str]]:
    """Run campaigns at Exeter Library; return it, and what each campaign watches for."""
    [place] = manager.ask("GET", "/v1/places", params={"q": "Exeter Library"})["features"]
    triggers = {}
    for title, (trigger, purpose, campaign_class) in CAMPAIGNS.items():
        listing = manager.announce(place["id"], kind="offer", title=title, text="")
        campaign = manager.campaign(
            listing,
            body="Come in.",
            trigger=trigger,
            audience="citizen",
            purpose=purpose,
            campaign_class=campaign_class,
            min_confidence=1,
            cooldown="PT0S",
            # Whoever only passes by is told less often than hourly, or it is not published.
            cap={"messages": 20, "within": "P1D"},
        )
        triggers[campaign["id"]] = trigger
    return place, triggers


def token_of(endpoint: str) -> str:
    """The push service's own name of a subscription."""
    return endpoint.rpartition("/")[2]


def books(system: System) -> Books:
    """Read what the tables say."""
    [waiting] = system.ask("SELECT count(*) FROM outbox_messages")
    decisions = [
        (Occasion(str(row["device"]), str(row["campaign_id"]), row["what"]), row)
        for row in system.ask(DECISIONS)
    ]
    told: dict[str, list[Occasion]] = {}
    for occasion, row in decisions:
        if row["pushed_as"]:
            told.setdefault(row["pushed_as"].hex, []).append(occasion)
    return Books(
        decisions=[(occasion, row["gate"]) for occasion, row in decisions],
        notifications=told,
        deliveries=[
            Delivery(
                notification=row["notification_id"].hex,
                token=token_of(row["endpoint"]),
                state=row["state"],
                outcomes=tuple(row["outcomes"]),
                receipts=tuple(row["receipts"]),
            )
            for row in system.ask(DELIVERIES)
        ],
        waiting=waiting["count"],
    )


def is_settled(system: System, crowd: Crowd) -> bool:
    """Whether nothing is left to do, apart from browsers that were given up."""
    ended = [screen.token for screen in crowd.screens if not screen.living]
    [left] = system.ask(
        "SELECT (SELECT count(*) FROM outbox_messages) + count(*) AS count FROM deliveries d "
        "JOIN subscriptions s ON s.id = d.subscription_id "
        "WHERE d.state = ANY(%s) AND substring(s.endpoint FROM '[^/]*$') <> ALL(%s)",
        list(UNFINISHED),
        ended,
    )
    return not left["count"]


def live_through(crowd: Crowd, mishaps: Mishaps, place: dict[str, Any]) -> None:
    """Let people live their lives while everything goes wrong."""
    until = time.monotonic() + 60 * MINUTES
    pause = timedelta(seconds=AT_ONCE / CHECK_INS_A_SECOND)
    with ThreadPoolExecutor(AT_ONCE + 3) as pool:
        running = [
            pool.submit(crowd.live, part, place, until=until, pause=pause)
            for part in range(AT_ONCE)
        ]
        running += [pool.submit(crowd.look, tells=tells, until=until) for tells in (False, True)]
        running.append(pool.submit(mishaps.spoil_pushes, until=until))
        mishaps.run(until=until)
        mishaps.mend()
        for one in running:
            one.result()


def test_each_message_is_on_each_screen_exactly_once(
    system: System, manager: Manager, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever died meanwhile: each intake told once, each POST explained, nothing left over."""
    place, campaigns = publish(manager)
    crowd = Crowd(
        system.configuration.api_url, system.configuration.push_url, size=PEOPLE, seed=SEED
    )
    mishaps = Mishaps(system, seed=SEED)
    try:
        live_through(crowd, mishaps, place)
        settling = time.monotonic()
        eventually(lambda: is_settled(system, crowd), within=SETTLED)
        settling = time.monotonic() - settling
        crowd.look_at_everything()
        street, told = crowd.street(campaigns, system.push_log()), books(system)
        faults = audit(street, told)
        lost = [fault for fault in faults if fault.endswith("it is lost")]
        summary = {
            "seed": SEED,
            "minutes": MINUTES,
            **figures(street, told),
            "lost": len(lost),
            "faults": len(faults),
            "settled_after_s": round(settling, 1),
            "mishaps": dict(mishaps.done),
            "push_faults": dict(mishaps.planned),
        }
        with capsys.disabled():
            print(f"\nchaos: {json.dumps(summary)}")
    except BaseException:
        print(f"seed {SEED}: {dict(mishaps.done)}\n{system.tails()}")
        raise
    finally:
        crowd.close()

    assert mishaps.done
    assert street.intended
    assert faults == [], f"seed {SEED}: {faults[:20]}\n{system.tails()}"
