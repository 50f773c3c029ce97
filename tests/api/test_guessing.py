"""Credentials of every kind, at every door: each opens its own, and none can be guessed."""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final
from uuid import uuid4

import pytest
from httpx2 import Client, Response
from sqlalchemy.orm import Session

from api import throttling
from api.app import create_app
from geoservices.access.rights import Right, Role
from geoservices.accounts.models import Organisation
from geoservices.accounts.tokens import hash_token
from geoservices.codes import service as codes
from geoservices.codes.links import CodeKind, make_personal_token
from geoservices.credentials.links import make_link
from geoservices.credentials.models import LinkKind
from geoservices.database import SessionFactory
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.receipts import receipt_key
from geoservices.deliveries.tokens import make_token
from geoservices.letters.links import make_confirmation_token, make_unsubscribe_token
from geoservices.phones.models import PhoneApp
from geoservices.places.models import Place
from geoservices.settings.entering import LimitSettings
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.conftest import client_of, with_token
from tests.api.scanned import screen_secret
from tests.api.world import World, make_world
from tests.factories import make_access_token, make_api_key, make_code, make_phone_link
from tests.signing import make_account

Knock = Callable[[Client, str], Response]

ID_BITS: Final = 128
"""Of the id in what is sealed."""


def _bearer(path: str) -> Knock:
    return lambda client, shown: client.get(path, headers={"Authorization": f"Bearer {shown}"})


def _body(path: str, **others: str) -> Knock:
    return lambda client, shown: client.post(path, json={"token": shown, **others})


def _report(client: Client, shown: str) -> Response:
    headers = {"Authorization": f"Bearer {shown}"}
    return client.post("/v1/overland", json={"locations": []}, headers=headers)


def _unsubscribe(client: Client, shown: str) -> Response:
    return client.post("/v1/email/unsubscribe", params={"token": shown})


def _receive(client: Client, shown: str) -> Response:
    return client.post("/v1/receipts", json={"receipts": [asking.receipt(token=shown)]})


def _join(client: Client, shown: str) -> Response:
    return client.post("/v1/devices", json={"joining_code": shown})


TILL: Final = "gsk_" + "till" * 10 + "abc"
"""The key of a till, which somebody shows their code to."""


def _redeem(client: Client, shown: str) -> Response:
    headers = {"Authorization": f"Bearer {TILL}"}
    return client.post("/v1/redemptions", json={"code": shown}, headers=headers)


DOORS: Final[Mapping[str, Knock]] = MappingProxyType(
    {
        "the person's own": _bearer("/v1/devices/me"),
        "the member's own": _bearer("/v1/sign-ins"),
        "the organisation's": _bearer("/v1/geofences"),
        "reporting": _report,
        "the screen": _bearer("/v1/screen"),
        "receipts": _receive,
        "ending letters": _unsubscribe,
        "confirming an address": _body("/v1/email/confirmation"),
        "a password": _body("/v1/password", password="plinth owl gravel cello"),
        "joining": _join,
        "the till": _redeem,
    }
)
OPENS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "device": frozenset({"the person's own", "reporting"}),
        "sign-in": frozenset({"the member's own", "the organisation's"}),
        "key": frozenset({"the organisation's"}),
        "phone app": frozenset({"reporting"}),
        "screen": frozenset({"the screen"}),
        "receipt": frozenset({"receipts"}),
        "unsubscribing": frozenset({"ending letters"}),
        "password link": frozenset({"a password"}),
        "joining code": frozenset({"joining"}),
        "redemption code": frozenset({"the till"}),
        "poster": frozenset(),
        "personal code": frozenset(),
    }
)
"""Which doors a credential opens; what is on a poster or shown to staff opens none of these."""


@pytest.fixture
def world(session: Session) -> World:
    """A citizen with one of everything."""
    return make_world(session)


@pytest.fixture
def credentials(
    anyone: Client, session: Session, world: World, settings: Settings
) -> Mapping[str, str]:
    """One of each kind, all of them good."""
    organisation = session.get_one(Organisation, world.organisation.id)
    place = session.get_one(Place, world.ids["place_id"])
    poster, screen = make_code(session, place), make_code(session, place, CodeKind.ROTATING)
    delivery = session.get_one(Delivery, world.ids["delivery_id"])
    delivery.created_at = asking.now() - timedelta(minutes=10)
    member = make_account(session, organisation)
    link, _until = make_link(
        session, member.person.id, LinkKind.RESET, settings=settings, at=asking.now()
    )
    _link, phone = make_phone_link(session, world.device, PhoneApp.OVERLAND)
    _key, key = make_api_key(session, organisation, {Right.GEOFENCES_READ})
    till, _secret = make_api_key(session, organisation, {Right.REDEMPTIONS_WRITE})
    till.secret_hash = hash_token(TILL)
    sign_in = make_access_token(session, organisation, Role.MANAGER)
    session.commit()
    offer = f"/v1/offers/{world.ids['offer_id']}/codes"
    joining = with_token(anyone, world.token).post("/v1/devices/me/joining-code").json()["code"]
    code_key = settings.codes.secret
    return {
        "device": world.token,
        "sign-in": sign_in,
        "key": key,
        "phone app": phone,
        "screen": screen_secret(screen, settings),
        "receipt": make_token(receipt_key(settings), delivery.id),
        "unsubscribing": make_unsubscribe_token(settings.codes.secret, uuid4()),
        "password link": link.rpartition("#")[2],
        "joining code": joining,
        "redemption code": with_token(anyone, world.token).post(offer).json()["code"],
        "poster": codes.link_of(poster, settings=settings).rpartition("/")[2],
        "personal code": make_personal_token(code_key, world.device.id, at=asking.now()),
    }


@pytest.mark.parametrize("kind", OPENS)
def test_each_credential_opens_its_own_door_alone(
    anyone: Client, credentials: Mapping[str, str], kind: str
) -> None:
    """Whatever it is shown to, and in whichever way that takes its own."""
    shown = credentials[kind]

    opened = {door for door, knock in DOORS.items() if _is_let_in(knock(anyone, shown))}

    assert opened == OPENS[kind]


@pytest.mark.parametrize("kind", [kind for kind in OPENS if OPENS[kind]])
def test_a_credential_that_was_changed_opens_nothing(
    anyone: Client, credentials: Mapping[str, str], kind: str
) -> None:
    """One character is enough, at its beginning, in its midst or at its end."""
    shown = credentials[kind]

    for place in (0, len(shown) // 2, len(shown) - 2):
        other = "A" if shown[place] != "A" else "B"
        changed = shown[:place] + other + shown[place + 1 :]
        for door in OPENS[kind]:
            assert not _is_let_in(DOORS[door](anyone, changed)), (door, place)


@pytest.mark.parametrize("door", DOORS)
def test_guessing_ends_at_every_door(
    settings: Settings, sessions: SessionFactory, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    """Whoever tries one after the other is sent away, with a word on when to come back."""
    monkeypatch.setattr(throttling, "UNCOUNTED", 2)
    limits = LimitSettings(requests_by_address="3/PT1H")
    client = client_of(create_app(sessions, settings.model_copy(update={"limits": limits})))

    answers = [DOORS[door](client, make_confirmation_token()) for _ in range(7)]

    assert not any(map(_is_let_in, answers))
    assert [one.status_code == 429 for one in answers] == [False] * 5 + [True] * 2
    assert int(answers[-1].headers["Retry-After"]) > 1


def test_credentials_are_long_enough(credentials: Mapping[str, str]) -> None:
    """Bits that are random or sealed, by what stands in each; ids in them tell nothing."""
    bits = {
        "device": _random_bits(credentials["device"]),
        "sign-in": _random_bits(credentials["sign-in"]),
        "key": _random_bits(credentials["key"]),
        "phone app": _random_bits(credentials["phone app"]),
        "password link": _random_bits(credentials["password link"]),
        "receipt": 8 * len(base64.urlsafe_b64decode(credentials["receipt"])) - ID_BITS - 8,
        "unsubscribing": 6 * len(credentials["unsubscribing"]) // 8 * 8 - ID_BITS,
        "screen": 5 * len(credentials["screen"].removeprefix("gss_")) // 8 * 8 - ID_BITS,
        "poster": 5 * len(credentials["poster"]) // 8 * 8 - ID_BITS,
        "joining code": 5 * len(credentials["joining code"].replace("-", "")),
        "redemption code": 5 * len(credentials["redemption code"].replace("-", "")),
    }

    assert bits.pop("joining code") == bits.pop("redemption code") == 40
    assert bits.pop("poster") == 80
    assert min(bits.values()) >= 128
    assert [kind for kind, some in bits.items() if some >= 256] == [
        "device",
        "sign-in",
        "key",
        "phone app",
        "password link",
    ]


def _is_let_in(answer: Response) -> bool:
    """Whether what was shown counted for something."""
    if answer.status_code == 200 and answer.request.url.path == "/v1/receipts":
        return bool(answer.json()["results"][0]["status"] == "taken")
    return answer.status_code < 400


def _random_bits(token: str) -> int:
    """The bits of a token of ours behind its prefix, which is in base64url."""
    prefix = re.compile(r"gs[a-z]_")
    assert prefix.match(token)
    return len(base64.urlsafe_b64decode(prefix.sub("", token) + "=")) * 8
