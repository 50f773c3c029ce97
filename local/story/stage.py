"""What every act of the story stands on: the running service, and who tells of it."""

import os
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from geoservices import clock
from geoservices.access.rights import Role
from geoservices.accounts.issuing import issue_access_token
from geoservices.database import make_engine, make_session_factory, transaction
from local.actors import Caller, Manager, Phone, milliseconds

READY_WITHIN = timedelta(minutes=3)
PUSH_WITHIN = timedelta(seconds=20)
REPLAYED_WITHIN = timedelta(seconds=60)
QUIET_FOR = timedelta(seconds=1)
TABLES = ("pings", "visits", "transitions", "check_ins", "subscriptions")


class Untold(Exception):
    """Something that the story tells of did not happen."""


@dataclass
class Teller:
    """Tells the story as it happens, and keeps what happened."""

    aloud: bool
    acts: list[dict[str, Any]] = field(default_factory=list)

    def act(self, name: str, title: str) -> dict[str, Any]:
        """Begin an act and return the record to fill in."""
        self.say(f"\n{title}")
        record: dict[str, Any] = {"act": name, "title": title, "happened": False}
        self.acts.append(record)
        return record

    def say(self, line: str) -> None:
        """Say a line, unless only the record is wanted."""
        if self.aloud:
            print(line, flush=True)


@dataclass(frozen=True)
class Stage:
    """What every act needs."""

    api: str
    push: str
    database_url: str
    manager: Manager
    staff_token: str
    teller: Teller

    def place(self, **search: Any) -> dict[str, Any]:
        """Find a place of Devon's that has a drawn outline."""
        found = self.manager.ask("GET", "/v1/places", params={"limit": 200, **search})
        for feature in found["features"]:
            geofences = self.manager.ask("GET", "/v1/geofences", params={"place_id": feature["id"]})
            drawn = [one for one in geofences["features"] if one["geometry"]["type"] != "Point"]
            if drawn:
                return {**feature, "geofence": drawn[0]}
        raise Untold(f"No place with an outline fits {search}.")

    def rows_of(self, phone: Phone) -> dict[str, int]:
        """Count what the database holds of a device."""
        count = sql.SQL("SELECT count(*) FROM {} WHERE device_id = %s")
        with psycopg.connect(self.database_url) as connection:
            return {
                table: (
                    connection.execute(count.format(sql.Identifier(table)), [phone.id]).fetchone()
                    or (0,)
                )[0]
                for table in TABLES
            }


def set_stage(api: str, push: str, teller: Teller) -> Stage:
    """Wait for the service, and let a manager and a member of staff in."""
    _wait_until_ready(api)
    database_url = os.environ["GEOSERVICES_DATABASE_URL"]
    engine = make_engine(database_url, pool_size=1)
    with transaction(make_session_factory(engine)) as session:
        manager_token, staff_token = (
            issue_access_token(
                session,
                "devon",
                role=role,
                name=f"Demo {role} of {clock.now():%d %B, %H:%M:%S}",
                lifetime=timedelta(days=1),
                at=clock.now(),
            )
            for role in (Role.MANAGER, Role.STAFF)
        )
    engine.dispose()
    return Stage(
        api=api,
        push=push,
        database_url=database_url,
        manager=Manager(api, manager_token),
        staff_token=staff_token,
        teller=teller,
    )


def _wait_until_ready(api: str) -> None:
    give_up_at = time.monotonic() + READY_WITHIN.total_seconds()
    with Caller(api) as caller:
        while time.monotonic() < give_up_at:
            if caller.is_service_ready():
                return
            time.sleep(0.1)
    raise Untold(f"The service at {api} was not ready within {READY_WITHIN}.")


def decision(phone: Phone, campaign_id: str) -> dict[str, Any]:
    """Wait for what a campaign decided about the phone's person."""
    give_up_at = time.monotonic() + PUSH_WITHIN.total_seconds()
    while time.monotonic() < give_up_at:
        for decision in phone.ask("GET", "/v1/decisions")["items"]:
            if decision["campaign_id"] == campaign_id:
                found: dict[str, Any] = decision
                return found
        time.sleep(0.05)
    raise TimeoutError("The campaign decided nothing.")


def tell_push(
    stage: Stage, told: dict[str, Any], message: dict[str, Any], *, since: datetime
) -> None:
    """Tell of a push, and how long it took to come."""
    received_at = datetime.fromisoformat(message["received_at"])
    told["push"] = message
    told["ms_to_push"] = milliseconds(since, received_at)
    said = message["notification"]
    stage.teller.say(
        f"    pushed {told['ms_to_push']:.0f} ms later, decrypted by the browser: "
        f"“{said['title']}. {'; '.join(said['body'].splitlines())}”"
    )


def require(happened: bool, otherwise: str) -> None:  # noqa: FBT001
    """Break the story off unless something happened.

    Raises:
        Untold: It did not.
    """
    if not happened:
        raise Untold(otherwise)
