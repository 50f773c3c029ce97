"""Who may do what: every operation of the OpenAPI document with every kind of caller.

An operation without a row in the table fails `test_every_operation_has_its_row`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx2 import Client, Response
from sqlalchemy import update
from sqlalchemy.orm import Session

from api.app import create_app
from api.openapi import operations
from geoservices.access.rights import Role
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Purpose, SignIn
from geoservices.accounts.tokens import hash_token
from geoservices.database import SessionFactory
from geoservices.settings import Settings
from tests.api import asking
from tests.api.conftest import with_token
from tests.api.world import World, make_world
from tests.factories import (
    NOON,
    make_access_token,
    make_device,
    make_organisation,
    make_person,
)

Ids = dict[str, UUID]
CALLERS = ("owner", "other_device", "staff", "manager", "other_manager")


@dataclass(frozen=True, slots=True)
class Row:
    """What an operation answers each caller.

    `owner` is the device whose things they are, `other_device` someone else's; `staff` and
    `manager` are of the organisation whose things they are, `other_manager` is of another.
    `open_` is what it answers without a token, if that is allowed.
    """

    owner: int
    other_device: int
    staff: int
    manager: int
    other_manager: int
    body: Callable[[Ids], Any] | None = None
    open_: int = 401


def own(found: int, *, other: int | None = None, body: Callable[[Ids], Any] | None = None) -> Row:
    """A row of what only devices may do, each with its own things."""
    return Row(found, found if other is None else other, 403, 403, 403, body)


def run(found: int, other: int, *, body: Callable[[Ids], Any] | None = None) -> Row:
    """A row of what only managers may do, each with their own organisation's things."""
    return Row(403, 403, 403, found, other, body)


def all_(found: int, *, body: Callable[[Ids], Any] | None = None) -> Row:
    """A row of what any valid token may do."""
    return Row(found, found, found, found, found, body)


def free(found: int, *, body: Callable[[Ids], Any] | None = None) -> Row:
    """A row of what needs no token."""
    return Row(found, found, found, found, found, body, open_=found)


def none_(*, body: Callable[[Ids], Any] | None = None) -> Row:
    """A row of what takes its credential from elsewhere than a header."""
    return Row(401, 401, 401, 401, 401, body)


PAGES = (
    "open_link",
    "open_screen",
    "open_email",
    "open_notifications",
    "open_notification",
    "read_service_worker",
)
"""What people's browsers load, which is the same for everyone."""
TABLE = {
    "register_device": Row(403, 403, 201, 201, 201, lambda _: {}, open_=201),
    "read_device": own(200),
    "change_device": own(200, body=lambda _: {"places_only": True}),
    "revoke_device": own(204),
    "link_phone": own(201, body=lambda _: {"app": "overland"}),
    "list_phone_links": own(200),
    "revoke_phone_link": own(204, other=404),
    "receive_owntracks": own(200, body=lambda _: {"_type": "lwt", "tst": 1}),
    "receive_overland": own(200, body=lambda _: {"locations": []}),
    "receive_osmand_query": none_(),
    "receive_osmand": none_(body=lambda _: []),
    "list_consents": all_(200),
    "give_consent": all_(200, body=lambda _: {"text_version": TEXTS[Purpose.NEARBY].version}),
    "withdraw_consent": all_(204),
    "list_consent_receipts": all_(200),
    "read_receipt_keys": free(200),
    "read_consent_text": free(200),
    "read_working_hours": Row(403, 403, 200, 200, 200),
    "set_working_hours": Row(403, 403, 200, 200, 200, lambda _: {"hours": "Mo-Fr 09:00-17:00"}),
    "mark_sensitive": run(200, 404, body=lambda _: {"kind": "clinic"}),
    "unmark_sensitive": run(204, 404),
    "read_grid": run(200, 200),
    "read_preferences": all_(200),
    "set_preferences": all_(200, body=lambda _: {"time_zone": "Europe/Paris"}),
    "read_push_key": own(200),
    "subscribe": own(409, other=403, body=lambda _: asking.subscription("an-old-key")),
    "list_subscriptions": own(200),
    "unsubscribe": own(204, other=404),
    "send_test": own(202, other=404),
    "list_places": all_(200),
    "read_place": all_(200),
    "list_what_is_on": all_(200),
    "list_geofences": run(200, 200),
    "create_geofence": run(201, 404, body=lambda ids: asking.geofence(ids["place_id"])),
    "read_geofence": run(200, 404),
    "replace_geofence": run(200, 404, body=lambda ids: asking.geofence(ids["place_id"])),
    "delete_geofence": run(204, 404),
    "read_presence_rules": run(200, 200),
    "replace_presence_rules": run(403, 403, body=lambda _: {"silence": "PT45M"}),
    "record_pings": Row(200, 403, 403, 403, 403, lambda _: asking.ping()),
    "list_visits": own(200),
    "read_presence": run(200, 404),
    "read_footfall": run(200, 404),
    "check_in": Row(201, 403, 403, 403, 403, lambda ids: asking.check_in(ids["place_id"])),
    "list_check_ins": own(200),
    "list_listings": run(200, 200),
    "publish_listing": run(201, 404, body=lambda ids: asking.listing(ids["place_id"])),
    "read_listing": run(200, 404),
    "replace_listing": run(200, 404, body=lambda ids: asking.listing(ids["place_id"])),
    "withdraw_listing": run(204, 404),
    "list_campaigns": run(200, 200),
    "make_campaign": run(201, 404, body=lambda ids: asking.campaign(ids["listing_id"])),
    "read_campaign": run(200, 404),
    "replace_campaign": run(409, 404, body=lambda ids: asking.campaign(ids["listing_id"])),
    "publish_campaign": run(200, 404),
    "end_campaign": run(204, 404),
    "count_outcomes": run(200, 404),
    "list_campaign_decisions": run(200, 404),
    "list_my_decisions": all_(200),
    "list_notifications": all_(200),
    "read_notification": Row(200, 404, 404, 404, 404),
    "take_receipts": free(200, body=lambda _: {"receipts": [asking.receipt()]}),
    "count_unread": all_(200),
    "read_all": all_(204),
    "change_notification": Row(200, 404, 404, 404, 404, lambda _: {"read": True}),
    "list_channels": all_(200),
    "choose_channels": all_(200, body=lambda _: {"push": False, "email": False}),
    "read_email": Row(200, 404, 404, 404, 404),
    "set_email": Row(200, 403, 403, 403, 403, lambda _: {"address": "anna@example.org"}),
    "remove_email": all_(204),
    "confirm_email": free(422, body=lambda _: {"token": "made-up"}),
    "open_unsubscribe": free(200),
    "unsubscribe_from_email": free(422),
    "read_personal_code": own(200),
    "check_in_by_staff": Row(403, 403, 422, 422, 404, lambda _: asking.staff_scan("nobody's")),
    "list_codes": run(200, 404),
    "make_code": run(201, 404, body=lambda _: asking.code()),
    "read_code": run(200, 404),
    "revoke_code": run(204, 404),
    "read_svg_poster": run(200, 404),
    "read_pdf_poster": run(200, 404),
    "read_screen": Row(401, 401, 401, 401, 401),
    "open_link": free(404),
    **dict.fromkeys(PAGES[1:], free(200)),
    "live": free(200),
    "ready": free(503),
    "explain_problem": free(200),
}


ASKED = {
    "read_grid": {"first": "2026-03-01", "last": "2026-03-04"},
    "read_footfall": {"from": "2026-03-04T10:00:00Z", "until": "2026-03-04T14:00:00Z"},
    "unsubscribe_from_email": {"token": "made-up"},
}
"""What has to be asked for in the query."""


@pytest.fixture
def world(session: Session) -> World:
    """Everything there is to be seen."""
    return make_world(session)


@pytest.fixture
def tokens(session: Session, world: World) -> dict[str, str]:
    """A valid token of each kind of caller."""
    other = make_organisation(session, "dorset")
    made = {
        "owner": world.token,
        "other_device": make_device(session, make_person(session))[1],
        "staff": make_access_token(session, world.organisation, Role.STAFF),
        "manager": make_access_token(session, world.organisation),
        "other_manager": make_access_token(session, other),
    }
    session.commit()
    return made


def call(client: Client, application: FastAPI, operation: str, ids: Ids) -> Response:
    """Do what the operation is for, with the ids of the world's things."""
    [(method, path)] = [
        (method, path)
        for path, methods in application.openapi()["paths"].items()
        for method, told in methods.items()
        if told["operationId"] == operation
    ]
    row = TABLE[operation]
    address = path.format(
        purpose="nearby", version="2026-11", code="not-found", link_token="none", **ids
    )
    body = {} if row.body is None else {"json": row.body(ids)}
    return client.request(method.upper(), address, params=ASKED.get(operation), **body)


def documented(application: FastAPI) -> Iterator[str]:
    """The ids of all operations."""
    for operation in operations(application.openapi()):
        yield operation["operationId"]


def test_every_operation_has_its_row(application: FastAPI) -> None:
    """A new route must say who may use it before it can be merged."""
    assert sorted(TABLE) == sorted(documented(application))


def test_nothing_is_served_beside_what_is_documented(settings: Settings) -> None:
    """No route hides from the document, apart from the document, and files that pages load."""
    application = create_app(SessionFactory(), settings)
    hidden = {getattr(route, "path", None) for route in application.routes} - {None}

    assert hidden == {"/openapi.json", "/docs", "/docs/assets", "/pages"}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("operation", TABLE)
def test_a_caller_may_do_what_the_table_says(
    anyone: Client,
    application: FastAPI,
    world: World,
    tokens: dict[str, str],
    operation: str,
    caller: str,
) -> None:
    """Each operation answers each valid token as its row says."""
    answer = call(with_token(anyone, tokens[caller]), application, operation, world.ids)

    assert answer.status_code == getattr(TABLE[operation], caller)


@pytest.mark.parametrize("operation", TABLE)
def test_without_a_valid_token_there_is_nothing(
    anyone: Client, application: FastAPI, session: Session, world: World, operation: str
) -> None:
    """No token, a made-up one, a revoked device's and an expired one: 401 but for the open few."""
    device, revoked = make_device(session, world.person)
    device.revoked_at = NOON
    expired = make_access_token(session, world.organisation)
    session.execute(
        update(SignIn)
        .where(SignIn.token_hash == hash_token(expired))
        .values(expires_at=datetime(2026, 1, 1, tzinfo=UTC))
    )
    session.commit()
    bad = [revoked, expired, "gsd_made-up", "gsa_made-up", "made-up", "gsd_"]

    without = call(anyone, application, operation, world.ids)
    statuses = {
        call(with_token(anyone, token), application, operation, world.ids).status_code
        for token in bad
    }

    row = TABLE[operation]
    reads_no_token = row.open_ != 401 and operation != "register_device"
    assert without.status_code == row.open_
    assert statuses == ({row.open_} if reads_no_token else {401})


@pytest.mark.parametrize(
    "path",
    [
        "/v1/visits",
        "/v1/check-ins",
        "/v1/subscriptions",
        "/v1/notifications",
        "/v1/decisions",
    ],
)
def test_another_device_sees_nothing_of_a_persons(
    anyone: Client, world: World, tokens: dict[str, str], path: str
) -> None:
    """What is listed is the caller's own: full for the owner, empty for everyone else."""
    mine = with_token(anyone, world.token).get(path).json()
    others = [
        with_token(anyone, tokens[caller]).get(path)
        for caller in ("other_device", "staff", "manager", "other_manager")
    ]

    assert len(mine if isinstance(mine, list) else mine["items"]) == 1
    for answer in others:
        assert answer.status_code == 403 or answer.json() in ([], {"items": [], "next": None})


@pytest.mark.parametrize("path", ["/v1/geofences", "/v1/listings", "/v1/campaigns"])
def test_another_organisation_sees_nothing_of_ours(
    anyone: Client, world: World, tokens: dict[str, str], path: str
) -> None:
    """A manager lists their own organisation's things only, whatever place they ask about."""
    ours = with_token(anyone, tokens["manager"]).get(path)
    theirs = with_token(anyone, tokens["other_manager"]).get(path)
    asked = with_token(anyone, tokens["other_manager"]).get(
        path, params={"place_id": str(world.ids["place_id"])}
    )

    assert sum(str(id_) in ours.text for id_ in world.ids.values()) >= 1
    for answer in (theirs, asked):
        assert not any(str(id_) in answer.text.split('"next"')[0] for id_ in world.ids.values())


def test_what_is_not_yours_looks_like_what_is_not_there(
    anyone: Client, world: World, tokens: dict[str, str]
) -> None:
    """Both are the same 404, so that ids of others cannot be found out."""
    other = with_token(anyone, tokens["other_manager"])

    theirs = other.get(f"/v1/listings/{world.ids['listing_id']}").json()
    nobodys = other.get(f"/v1/listings/{uuid4()}").json()

    for told in (theirs, nobodys):
        del told["instance"], told["request_id"]
    assert theirs == nobodys


def test_a_citizen_is_shown_no_tasks(anyone: Client, world: World, tokens: dict[str, str]) -> None:
    """Tasks at a place are for the staff of the organisation whose they are."""
    manager = with_token(anyone, tokens["manager"])
    place_id = world.ids["place_id"]
    manager.post("/v1/listings", json=asking.listing(place_id, kind="task", title="Boiler"))

    seen = {
        caller: [
            one["kind"]
            for one in with_token(anyone, tokens[caller])
            .get(f"/v1/places/{place_id}/listings")
            .json()
        ]
        for caller in CALLERS
    }

    assert {caller: "task" in kinds for caller, kinds in seen.items()} == {
        "owner": False,
        "other_device": False,
        "staff": True,
        "manager": True,
        "other_manager": False,
    }


def test_a_staff_members_device_is_theirs(
    anyone: Client, world: World, tokens: dict[str, str]
) -> None:
    """A device made with a staff token may agree to staff tasks; a citizen's may not."""
    made = with_token(anyone, tokens["staff"]).post("/v1/devices", json={}).json()
    body = {"text_version": TEXTS[Purpose.STAFF_TASKS].version}

    theirs = with_token(anyone, made["token"]).put("/v1/consents/staff-tasks", json=body)
    citizens = with_token(anyone, world.token).put("/v1/consents/staff-tasks", json=body)

    assert theirs.status_code == 200
    assert citizens.status_code == 403
