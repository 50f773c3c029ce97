"""Phones of other apps, as they speak to the service."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from httpx2 import Client, Response
from sqlalchemy import text
from sqlalchemy.orm import Session

from geoservices.accounts.models import Device, Organisation, Person, Purpose
from geoservices.geofences.models import Geofence
from geoservices.phones.models import PhoneApp, PhoneLink
from geoservices.tables import all_tables
from tests.api.asking import now
from tests.api.calling import AppClient
from tests.api.conftest import client_of
from tests.factories import (
    EXETER,
    make_device,
    make_geofence,
    make_person,
    make_phone_link,
    make_place,
)


@dataclass(slots=True, kw_only=True)
class Phone:
    """A citizen's phone with one app, at a library with a geofence."""

    client: AppClient
    session: Session
    person: Person
    device: Device
    link: PhoneLink
    token: str
    geofence: Geofence

    def owntracks(self, message: Any, **headers: str) -> Response:
        """Post a message as OwnTracks does."""
        return self.client.post(
            "/v1/owntracks", json=message, headers={**basic(self.device.id, self.token), **headers}
        )

    def overland(self, *features: Any, **members: Any) -> Response:
        """Post a batch as Overland does."""
        return self.client.post(
            "/v1/overland",
            json={"locations": list(features), **members},
            headers={"Authorization": f"Bearer {self.token}"},
        )


def make_phone(
    client: Client,
    session: Session,
    organisation: Organisation,
    app: PhoneApp,
    *purposes: Purpose,
    encrypted: bool = False,
    places_only: bool = False,
) -> Phone:
    """A phone whose person agreed to the purposes, and the library."""
    assert isinstance(client, AppClient)
    person = make_person(session, *purposes)
    device, _token = make_device(session, person)
    device.places_only = places_only
    link, token = make_phone_link(session, device, app, encrypted=encrypted)
    geofence = make_geofence(session, make_place(session, organisation))
    session.commit()
    return Phone(
        client=client_of(client.app),
        session=session,
        person=person,
        device=device,
        link=link,
        token=token,
        geofence=geofence,
    )


def basic(name: object, password: str) -> dict[str, str]:
    """HTTP Basic authentication."""
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


def unix(seconds_ago: float = 0) -> int:
    """The time of a phone's clock."""
    return int(now().timestamp() - seconds_ago)


def location(seconds_ago: float = 0, **changes: Any) -> dict[str, Any]:
    """A location of OwnTracks' in the middle of the library."""
    return {
        "_type": "location",
        "acc": 8,
        "lat": EXETER[1],
        "lon": EXETER[0],
        "tid": "me",
        "tst": unix(seconds_ago),
        **changes,
    }


def transition(event: str, seconds_ago: float = 0, **changes: Any) -> dict[str, Any]:
    """A transition of OwnTracks'."""
    return {
        "_type": "transition",
        "event": event,
        "desc": "Exeter Library",
        "acc": 30,
        "lat": EXETER[1],
        "lon": EXETER[0],
        "tid": "me",
        "tst": unix(seconds_ago),
        "wtst": 1,
        **changes,
    }


def feature(seconds_ago: float = 0, **properties: Any) -> dict[str, Any]:
    """A feature of Overland's in the middle of the library."""
    at = now().fromtimestamp(unix(seconds_ago)).astimezone()
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": list(EXETER)},
        "properties": {
            "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "horizontal_accuracy": 8,
            "speed": -1,
            "course": -1,
            **properties,
        },
    }


def dump(session: Session) -> str:
    """Everything that stands in any table, as text."""
    session.expire_all()
    return "\n".join(
        str(session.execute(text(f"SELECT t::text FROM {table} t")).all())  # noqa: S608
        for table in sorted(all_tables().tables)
    )
