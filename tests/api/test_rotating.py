"""A key is changed, and nothing that was made with the one before is lost."""

from datetime import time

import pytest
from httpx2 import Client
from pydantic import SecretStr
from sqlalchemy import update
from sqlalchemy.orm import Session

from api.app import create_app
from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation, Purpose
from geoservices.codes import service as codes
from geoservices.codes.links import CodeKind, make_code_key
from geoservices.codes.models import Code
from geoservices.database import SessionFactory
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.receipts import receipt_key
from geoservices.deliveries.tokens import make_token
from geoservices.letters.links import make_unsubscribe_token
from geoservices.letters.models import EmailAddress
from geoservices.places.models import Place
from geoservices.rotating import PLACES, KeyName, keys_of, report, rotated
from geoservices.settings.presence import CodeSettings
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.conftest import client_of, with_token
from tests.api.scanned import screen_secret, static_link
from tests.api.world import World, make_world
from tests.factories import NOON, make_access_token, make_code, make_person, make_place
from tests.settings_names import settings as names


@pytest.fixture
def world(session: Session) -> World:
    """Everything that links may speak of."""
    return make_world(session)


@pytest.fixture
def after(settings: Settings, sessions: SessionFactory) -> Client:
    """The service with another key, which knows the one before."""
    codes = CodeSettings(key=SecretStr(make_code_key()), old_keys=(settings.codes.key,))
    return client_of(create_app(sessions, settings.model_copy(update={"codes": codes})))


@pytest.fixture
def forgetful(settings: Settings, sessions: SessionFactory) -> Client:
    """The service with another key, which does not."""
    codes = CodeSettings(key=SecretStr(make_code_key()))
    return client_of(create_app(sessions, settings.model_copy(update={"codes": codes})))


def test_a_poster_of_before_is_read(
    after: Client,
    forgetful: Client,
    session: Session,
    organisation: Organisation,
    settings: Settings,
) -> None:
    """Until its key is dropped; nobody has to print a thousand posters in one night."""
    code: Code = make_code(session, make_place(session, organisation))
    session.commit()
    path = static_link(code, settings).removeprefix(settings.public_url)

    assert after.get(path).status_code == 200
    assert forgetful.get(path).status_code == 404


def test_a_receipt_of_before_counts(
    after: Client, forgetful: Client, world: World, settings: Settings, session: Session
) -> None:
    """What was pushed an hour ago is shown now."""
    session.execute(update(Delivery).values(created_at=asking.now()))
    session.commit()
    token = make_token(receipt_key(settings), world.ids["delivery_id"])
    body = {"receipts": [asking.receipt(token=token)]}

    assert forgetful.post("/v1/receipts", json=body).json()["results"] == [{"status": "unknown"}]
    assert after.post("/v1/receipts", json=body).json()["results"] == [{"status": "taken"}]


def test_a_letter_of_before_still_ends_them(
    after: Client, forgetful: Client, session: Session, settings: Settings
) -> None:
    """Its link is in somebody's inbox for years."""
    person = make_person(session, Purpose.NEARBY)
    address = EmailAddress(
        person_id=person.id,
        address="bea@example.org",
        digest_at=time(17),
        set_at=NOON,
        confirmed_at=NOON,
    )
    session.add(address)
    session.commit()
    asked = {"token": make_unsubscribe_token(settings.codes.secret, address.id)}

    assert forgetful.post("/v1/email/unsubscribe", params=asked).status_code == 422
    assert after.post("/v1/email/unsubscribe", params=asked).status_code == 204


def test_receipts_of_consents_can_still_be_checked(anyone: Client, after: Client) -> None:
    """The public key of before stands beside the present one."""
    before = anyone.get("/v1/consents/receipts/keys").json()["keys"]
    now = after.get("/v1/consents/receipts/keys").json()["keys"]

    assert len(now) == 2
    assert before == now[1:]


def test_what_a_phone_shows_and_a_screens_secret_hold(
    after: Client, forgetful: Client, world: World, settings: Settings, session: Session
) -> None:
    """A member of staff scans what was shown before the change; the screen goes on."""
    rotating = make_code(session, session.get_one(Place, world.ids["place_id"]), CodeKind.ROTATING)
    staff = make_access_token(session, world.organisation, Role.STAFF)
    session.commit()
    shown, _until = codes.personal_code(world.device.id, settings=settings, at=asking.now())
    path, secret = (
        f"/v1/places/{world.ids['place_id']}/check-ins",
        screen_secret(rotating, settings),
    )

    scanned = [
        with_token(client, staff).post(path, json=asking.staff_scan(shown)).status_code
        for client in (after, forgetful)
    ]
    screens = [
        with_token(client, secret).get("/v1/screen").status_code for client in (after, forgetful)
    ]

    assert scanned == [201, 422]
    assert screens == [200, 401]


@pytest.mark.parametrize("name", PLACES)
def test_the_command_says_what_to_set(settings: Settings, name: KeyName) -> None:
    """A new key, and the present one first among those of before; in settings that there are."""
    present, old = keys_of(name, settings)
    lines = dict(line.split("=", 1) for line in rotated(name, settings).splitlines())

    place = PLACES[name]
    assert list(lines) == [place.setting, place.old_setting]
    assert set(lines) <= {one.name for one in names()}
    assert lines[place.setting] != present
    assert len(lines[place.setting]) == 43
    before = ", ".join(f'"{key}"' for key in [*([present] if present else []), *old])
    assert lines[place.old_setting] == f"[{before}]"


def test_the_report_tells_no_key(settings: Settings) -> None:
    """Whoever may see which keys there are need not see them."""
    said = report(settings)

    assert said.count("\n") == 2
    assert settings.codes.key.get_secret_value() not in said
