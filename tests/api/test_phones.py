"""Phone links over the API: made, shown once, listed, revoked; and what sets an app up."""

import json
from base64 import b64decode
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
from httpx2 import Client
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.app import create_app
from api.protocols.setup import qr_svg
from geoservices.accounts.models import Device
from geoservices.database import SessionFactory
from geoservices.phones.models import PhoneLink
from geoservices.pings.models import Ping
from geoservices.settings.presence import PhoneSettings
from geoservices.settings.service import Settings
from tests.api.asking import ping
from tests.api.conftest import client_of, with_token
from tests.api.phoning import basic, feature, location, unix
from tests.factories import EXETER, make_device, make_person

LINKS = "/v1/devices/me/phone-links"


def test_owntracks_is_set_up_in_one_scan(citizen: Client, anyone: Client, session: Session) -> None:
    """The link holds a configuration with which the app gets in."""
    answer = citizen.post(LINKS, json={"app": "owntracks", "encrypted": True})

    assert answer.status_code == 201
    made = answer.json()
    prefix, _, inline = made["setup_link"].partition("inline=")
    read = json.loads(b64decode(inline, validate=True))
    assert prefix == "owntracks:///config?"
    assert not set("+/=%") & set(inline)
    assert read == made["configuration"]
    assert read["_type"] == "configuration"
    assert (read["mode"], read["cmd"], read["remoteConfiguration"]) == (3, True, True)
    assert read["monitoring"] == 1
    assert read["encryptionKey"] == made["encryption_key"]
    assert len(made["encryption_key"]) == 32
    sent = anyone.post(
        urlsplit(read["url"]).path,
        json=location(),
        headers=basic(read["username"], read["password"]),
    )
    assert sent.status_code == 200
    assert len(session.scalars(select(Ping)).all()) == 1


def test_overland_is_set_up_by_its_link(citizen: Client, anyone: Client) -> None:
    """With the address and the token in it."""
    made = citizen.post(LINKS, json={"app": "overland"}).json()

    link = urlsplit(made["setup_link"])
    told = parse_qs(link.query)
    assert (link.scheme, link.netloc) == ("overland", "setup")
    sent = anyone.post(
        urlsplit(told["url"][0]).path,
        json={"locations": [feature()]},
        headers={"Authorization": f"Bearer {told['token'][0]}"},
    )
    assert sent.json()["stored"] == 1
    assert made["configuration"] is made["encryption_key"] is None


def test_traccar_client_is_set_up_by_its_link(citizen: Client, anyone: Client) -> None:
    """The app takes the address without its parameters, and the id from them."""
    made = citizen.post(LINKS, json={"app": "traccar"}).json()

    link = urlsplit(made["setup_link"])
    told = parse_qs(link.query)
    assert f"{link.scheme}://{link.netloc}{link.path}" == made["url"]
    assert told["id"] == [made["token"]]
    assert int(told["interval"][0]) <= 60
    form = {"id": told["id"][0], "lat": EXETER[1], "lon": EXETER[0], "timestamp": unix()}
    assert anyone.post(link.path, data=form).json()["stored"] == 1


def test_the_code_is_a_picture_of_the_link(citizen: Client) -> None:
    """An SVG document, and the same for the same link."""
    made = citizen.post(LINKS, json={"app": "owntracks"}).json()

    drawn = ET.fromstring(made["setup_qr_svg"])  # noqa: S314  # Our own.
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    assert made["setup_qr_svg"] == qr_svg(made["setup_link"])
    assert made["setup_qr_svg"] != qr_svg(made["setup_link"] + "A")


def test_a_device_of_places_only_is_set_up_to_report_regions_alone(citizen: Client) -> None:
    """What is not sent need not be thrown away."""
    citizen.patch("/v1/devices/me", json={"places_only": True})

    made = citizen.post(LINKS, json={"app": "owntracks"}).json()

    assert made["configuration"]["monitoring"] == 0


def test_links_are_listed_without_their_secrets_and_revoked(
    citizen: Client, stranger: Client, session: Session
) -> None:
    """By their owner alone, and as often as they like."""
    made = [citizen.post(LINKS, json={"app": app}).json() for app in ("owntracks", "traccar")]

    listed = citizen.get(LINKS)
    assert [one["id"] for one in listed.json()] == [one["id"] for one in made]
    assert not any(one["token"] in listed.text for one in made)
    assert not any(
        one["token"].encode() in row.token_hash
        for one in made
        for row in session.scalars(select(PhoneLink))
    )
    assert stranger.get(LINKS).json() == []
    assert stranger.delete(f"{LINKS}/{made[0]['id']}").status_code == 404
    assert citizen.delete(f"{LINKS}/{uuid4()}").status_code == 404

    for _ in range(2):
        assert citizen.delete(f"{LINKS}/{made[0]['id']}").status_code == 204
    assert [one["id"] for one in citizen.get(LINKS).json()] == [made[1]["id"]]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid-request"),
        ({"app": "waze"}, 422, "invalid-request"),
        ({"app": "overland", "encrypted": "yes"}, 422, "invalid-request"),
        ({"app": "overland", "encrypted": True}, 422, "app-does-not-encrypt"),
        ({"app": "traccar", "encrypted": True}, 422, "app-does-not-encrypt"),
        ({"app": "overland", "extra": 1}, 422, "invalid-request"),
    ],
)
def test_what_cannot_be_made_is_refused(
    citizen: Client, session: Session, body: object, status: int, code: str
) -> None:
    """And nothing is made."""
    answer = citizen.post(LINKS, json=body)

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}")
    assert session.scalars(select(PhoneLink)).all() == []


def test_without_a_secret_nothing_is_encrypted(
    sessions: SessionFactory, session: Session, settings: Settings
) -> None:
    """The operator has not set one; everything else works."""
    bare = create_app(sessions, settings.model_copy(update={"phones": PhoneSettings()}))
    _device, token = make_device(session, make_person(session))
    session.commit()
    client = with_token(client_of(bare), token)

    answer = client.post(LINKS, json={"app": "owntracks", "encrypted": True})

    assert (answer.status_code, answer.json()["field"]) == (409, "/encrypted")
    assert client.post(LINKS, json={"app": "owntracks"}).status_code == 201


def test_places_only_can_be_had_from_the_start(anyone: Client, session: Session) -> None:
    """And is shown."""
    made = anyone.post("/v1/devices", json={"places_only": True}).json()

    assert made["places_only"] is True
    assert session.get_one(Device, made["id"]).places_only


def test_places_only_is_switched_and_deletes_at_once(citizen: Client, session: Session) -> None:
    """A ping is then answered as ever, and not kept."""
    citizen.post("/v1/pings", json=ping(seconds_ago=10))

    on = citizen.patch("/v1/devices/me", json={"places_only": True})
    answer = citizen.post("/v1/pings", json=ping())

    assert on.json()["places_only"] is citizen.get("/v1/devices/me").json()["places_only"] is True
    assert answer.status_code == 200
    assert [one["verdict"] for one in answer.json()["pings"]] == ["not-kept"]
    assert session.scalars(select(Ping)).all() == []
    assert citizen.patch("/v1/devices/me", json={"places_only": False}).status_code == 200
    assert citizen.post("/v1/pings", json=ping()).json()["pings"][0]["verdict"] == "accepted"


@pytest.mark.parametrize("body", [{}, {"places_only": "yes"}, {"places_only": None}, {"x": 1}, []])
def test_a_change_must_be_readable(citizen: Client, body: object) -> None:
    """Nothing is guessed."""
    assert citizen.patch("/v1/devices/me", json=body).status_code == 422
