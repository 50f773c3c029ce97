"""Help for tests of the whole flow: a library, a citizen, and what their phone sends."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices import pipeline, receiving, withdrawing
from geoservices.accounts.models import Device, Organisation, Person, Purpose
from geoservices.checkins.models import CheckIn
from geoservices.checkins.service import CheckInReport
from geoservices.codes.links import make_code_key
from geoservices.geofences.live import LiveGeofences
from geoservices.geometry.position import Position
from geoservices.notifications.models import Notification
from geoservices.outbox import OutboxMessage
from geoservices.pings.screening import PingReport, Verdict
from geoservices.pings.service import VERDICTS
from geoservices.places.models import Place
from geoservices.push.vapid import make_vapid_key
from geoservices.receiving import Intake
from geoservices.settings.presence import CodeSettings
from geoservices.settings.sending import PushSettings
from geoservices.settings.service import Settings
from geoservices.subscriptions.models import Subscription
from geoservices.visits.models import Transition
from geoservices.visits.transitions import TransitionKind
from tests.factories import (
    EXETER,
    NOON,
    make_device,
    make_geofence,
    make_organisation,
    make_person,
    make_place,
)

ENTERED, DWELLED, EXITED = TransitionKind.ENTERED, TransitionKind.DWELLED, TransitionKind.EXITED
INSIDE, FAR = 0.0, 0.02
SETTINGS = Settings(
    database_url=SecretStr("postgresql://unused"),
    broker_url=SecretStr("redis://127.0.0.1:1/0"),
    push=PushSettings(
        vapid_private_key=SecretStr(make_vapid_key()), vapid_contact="mailto:push@council.example"
    ),
    codes=CodeSettings(key=SecretStr(make_code_key())),
)


def moment(second: float) -> datetime:
    """Return an instant by its seconds past noon."""
    return NOON + timedelta(seconds=second)


def ping(second: float, north: float, *, accuracy_m: float = 8) -> PingReport:
    """A ping so many degrees north of the library."""
    return PingReport(
        id=uuid4(),
        recorded_at=moment(second),
        position=Position(lon=EXETER[0], lat=EXETER[1] + north, accuracy_m=accuracy_m),
    )


@dataclass(slots=True)
class World:
    """Exeter Library with a geofence, and a citizen with one phone."""

    session: Session
    organisation: Organisation
    place: Place
    person: Person
    device: Device
    live: LiveGeofences = field(default_factory=LiveGeofences)
    settings: Settings = SETTINGS

    def walk(self, *pings: PingReport, device: Device | None = None) -> Intake:
        """Send pings in one request, as the last of them is recorded."""
        return receiving.take_in_from(
            self.session,
            device or self.device,
            pings,
            live=self.live,
            settings=self.settings,
            at=max(ping.recorded_at for ping in pings),
        )

    def check_in(self, *, north: float | None = INSIDE, **changes: Any) -> CheckIn:
        """Check in at the library."""
        position = (
            None if north is None else Position(lon=EXETER[0], lat=EXETER[1] + north, accuracy_m=8)
        )
        report = CheckInReport(
            **{
                "id": uuid4(),
                "place_id": self.place.id,
                "position": position,
                "claimed_at": None,
                **changes,
            }
        )
        return pipeline.check_in(
            self.session, self.device, report, live=self.live, settings=self.settings, at=NOON
        )

    def decide(self, second: float = 1) -> list[Notification]:
        """Hand out what is in the outbox and let the campaigns decide."""
        ids = list(self.session.scalars(select(OutboxMessage.id)))
        made = pipeline.decide(self.session, ids, settings=self.settings, at=moment(second))
        return [self.session.get_one(Notification, one.id) for one in made]

    def wait(self, second: float) -> int:
        """Let time pass."""
        return pipeline.let_time_pass(
            self.session, settings=self.settings, at=moment(second), limit=100
        )

    def withdraw(self, purpose: Purpose) -> bool:
        """Withdraw a consent."""
        return withdrawing.withdraw_consent(self.session, self.person, purpose, at=moment(60))

    def transitions(self) -> list[tuple[str, datetime]]:
        """What happened, and when."""
        rows = self.session.execute(
            select(Transition.kind, Transition.occurred_at).order_by(
                Transition.occurred_at, Transition.kind
            )
        )
        return [(kind, at) for kind, at in rows]

    def count(self, table: type[Any]) -> int:
        """How many rows a table has."""
        return self.session.scalars(select(func.count()).select_from(table)).one()


def make_world(session: Session) -> World:
    """A library and a citizen who agreed to what is nearby and on check-in."""
    organisation = make_organisation(session)
    place = make_place(session, organisation)
    make_geofence(session, place)
    person = make_person(session, Purpose.NEARBY, Purpose.CHECK_IN_CONTENT)
    return World(session, organisation, place, person, make_device(session, person)[0])


def subscribe(world: World) -> None:
    """Give the citizen's phone a browser that may be pushed to."""
    world.session.add(
        Subscription(
            device_id=world.device.id,
            endpoint="https://fcm.googleapis.com/x",
            endpoint_hash=uuid4().bytes * 2,
            p256dh=b"\4" * 65,
            auth=b"\0" * 16,
            vapid_key="k",
            created_at=NOON,
            updated_at=NOON,
        )
    )
    world.session.flush()


def verdicts(intake: Intake) -> list[Verdict]:
    """What became of each ping."""
    return [VERDICTS[number] for number in intake.verdicts]
