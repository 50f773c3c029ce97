"""Who may do what: every operation of the OpenAPI document with every kind of caller.

An operation without a row in the table fails `test_every_operation_has_its_row`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import cycle, islice
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx2 import Client, Response
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from api.app import NOUNS, create_app
from api.dependencies import Needs, calls_of, identify
from api.openapi import operations
from api.web import ASSETS, FOLDER, WORKER, read_build
from geoservices.access.rights import Right, Role, rights_of
from geoservices.accounts.consents import TEXTS
from geoservices.accounts.models import Purpose
from geoservices.database import SessionFactory
from geoservices.settings.service import Settings
from geoservices.tables import all_tables
from tests import picturing
from tests.api import asking
from tests.api.callers import (
    DEVICES,
    FOR_KEYS,
    MACHINES,
    NOBODY,
    OURS,
    OUTSIDERS,
    PARTNERS,
    PEOPLE,
    THEIRS,
)
from tests.api.conftest import Standing, undoing, with_token
from tests.api.world import MARK, World
from tests.factories import make_api_key

Ids = dict[str, UUID]
Body = Callable[[Ids], Any]
Answers = Mapping[str, int]

MAY = {
    Right.ORGANISATION_READ: "team-lead manager admin auditor",
    Right.ORGANISATION_WRITE: "admin",
    Right.MEMBERS_READ: "team-lead manager admin auditor",
    Right.MEMBERS_WRITE: "admin",
    Right.KEYS_READ: "admin auditor",
    Right.KEYS_WRITE: "admin",
    Right.PLACES_READ: "manager admin auditor",
    Right.PLACES_WRITE: "manager admin",
    Right.PLACES_SHARE: "admin",
    Right.GEOFENCES_READ: "manager admin auditor",
    Right.GEOFENCES_WRITE: "manager admin",
    Right.CODES_READ: "manager admin kiosk auditor",
    Right.CODES_WRITE: "manager admin",
    Right.LISTINGS_READ: "team-lead manager admin auditor",
    Right.LISTINGS_WRITE: "manager admin",
    Right.CAMPAIGNS_READ: "team-lead manager admin auditor",
    Right.CAMPAIGNS_WRITE: "manager admin",
    Right.STATISTICS_READ: "team-lead manager admin auditor",
    Right.AUDIT_READ: "admin auditor",
    Right.CHECK_INS_SCAN: "staff team-lead manager admin kiosk",
    Right.REDEMPTIONS_WRITE: "staff team-lead manager admin kiosk",
    Right.TASKS_READ: "staff team-lead manager admin auditor",
    Right.TASKS_WRITE: "staff team-lead manager admin",
    Right.TASKS_ASSIGN: "team-lead manager admin",
}
"""Which roles have each right when signed in: what `access.rights` has to come to."""
BY_DEVICE = {
    Right.CHECK_INS_SCAN,
    Right.REDEMPTIONS_WRITE,
    Right.TASKS_READ,
    Right.TASKS_WRITE,
}
"""Which of them a member's device has too."""


@dataclass(frozen=True, slots=True)
class Row:
    """What an operation answers each caller, by their names; who is not named is refused, 403.

    `right` is what it needs. `open_` is what it answers without a token, if that is allowed;
    one that `looks_at_no_token` answers everybody so.
    """

    answers: Answers
    body: Body | None = None
    right: Right | None = None
    open_: int = 401
    looks_at_no_token: bool = False
    image: bytes | None = None
    """What is sent where that is no JSON."""

    def expected(self, caller: str) -> int:
        """The status for a caller with a valid token."""
        return self.open_ if caller == NOBODY else self.answers.get(caller, 403)


def own(found: int, *, other: int | None = None, body: Body | None = None) -> Row:
    """What only devices may do, each with its own things."""
    others = found if other is None else other
    return Row(dict.fromkeys(DEVICES, others) | {"owner": found}, body)


def run(
    right: Right,
    found: int,
    other: int,
    *,
    partner: int | None = None,
    near: int | None = None,
    far: int | None = None,
    body: Body | None = None,
    image: bytes | None = None,
    **instead: int,
) -> Row:
    """What takes a right: each with their own organisation's things.

    Args:
        right: It.
        found: For whoever has it in the organisation, and whose reach has the place in it.
        other: For whoever has it in another organisation.
        partner: For whoever has it in the partner organisation, if that is more.
        near: For a manager limited to places it is at; what `found` says unless told.
        far: For a manager limited to other places; what `other` says unless told.
        body: What is sent.
        image: What is sent where that is no JSON.
        instead: Single callers' answers; an underscore is a hyphen.
    """
    roles = set(MAY[right].split())
    within = (found if near is None else near) if "manager" in roles else 403
    beyond = (other if far is None else far) if "manager" in roles else 403
    answers = {
        **dict.fromkeys(roles, found),
        **{f"Dorset's {role}": other for role in roles},
        **{f"Exeter's {role}": other if partner is None else partner for role in roles},
        "manager within": within,
        "manager without": beyond,
    }
    if right in FOR_KEYS:
        answers |= {"key": found, "Dorset's key": other}
    if right in BY_DEVICE:
        answers["member's device"] = found
    return Row(
        answers | {caller.replace("_", "-"): told for caller, told in instead.items()},
        body,
        right,
        image=image,
    )


def but(row: Row, instead: Answers) -> Row:
    """A row with single callers' answers in place of its own."""
    return replace(row, answers={**row.answers, **instead})


def all_(found: int, *, keys: bool = False, body: Body | None = None) -> Row:
    """What every person may do, with things of their own or of everybody's; and machines."""
    return Row(dict.fromkeys((*PEOPLE, *MACHINES) if keys else PEOPLE, found), body)


def public(found: int) -> Row:
    """What everybody may read, with a token or without; a token that is worthless is refused."""
    return replace(all_(found, keys=True), open_=found)


def signed_in(found: int, *, body: Body | None = None) -> Row:
    """What whoever signed in may do about that."""
    members = [caller for caller in PEOPLE if caller not in DEVICES]
    return Row(dict.fromkeys(members, found), body)


def mine(found: int, other: int, *, body: Body | None = None) -> Row:
    """What everybody may do, but with the owner's things."""
    return Row(dict.fromkeys(PEOPLE, other) | {"owner": found}, body)


def free(found: int, *, body: Body | None = None) -> Row:
    """What needs no token."""
    answers = dict.fromkeys((*PEOPLE, *MACHINES), found)
    return Row(answers, body, open_=found, looks_at_no_token=True)


def none_(*, body: Body | None = None) -> Row:
    """What takes its credential from elsewhere than a header."""
    answers = dict.fromkeys((*PEOPLE, *MACHINES), 401)
    return Row(answers, body, looks_at_no_token=True)


IN_ORGANISATIONS = frozenset(PEOPLE) - {"owner", "other device"}
"""Who belongs to an organisation, by whatever token."""
PAGES = (
    "open_link",
    "open_screen",
)
"""What people's browsers load, which is the same for everyone."""
TABLE = {
    # An auditor has no devices.
    "register_device": Row(
        {caller: 201 for caller in (*OURS, *THEIRS, *PARTNERS) if not caller.endswith("auditor")},
        lambda _: {},
        open_=201,
    ),
    "read_session": free(200),
    "list_devices": all_(200),
    "revoke_one_device": mine(204, 404),
    "exchange_token": own(200),
    "make_joining_code": Row({"owner": 201, "other device": 201}),
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
    "read_working_hours": Row(dict.fromkeys(IN_ORGANISATIONS, 200)),
    "set_working_hours": Row(
        dict.fromkeys(IN_ORGANISATIONS, 200), lambda _: {"hours": "Mo-Fr 09:00-17:00"}
    ),
    "mark_sensitive": run(Right.PLACES_WRITE, 200, 404, body=lambda _: {"kind": "clinic"}),
    "unmark_sensitive": run(Right.PLACES_WRITE, 204, 404),
    "read_grid": run(Right.STATISTICS_READ, 200, 200, partner=200, far=200),
    "read_preferences": all_(200),
    "set_preferences": all_(200, body=lambda _: {"time_zone": "Europe/Paris"}),
    "read_push_key": own(200),
    "subscribe": own(409, other=403, body=lambda _: asking.subscription("an-old-key")),
    "list_subscriptions": own(200),
    "unsubscribe": own(204, other=404),
    "send_test": own(202, other=404),
    "list_places": public(200),
    "read_place": public(200),
    "list_what_is_on": public(200),
    "list_geofences": run(Right.GEOFENCES_READ, 200, 200),
    "create_geofence": run(
        Right.GEOFENCES_WRITE, 201, 404, body=lambda ids: asking.geofence(ids["place_id"])
    ),
    "read_geofence": run(Right.GEOFENCES_READ, 200, 404),
    "replace_geofence": run(
        Right.GEOFENCES_WRITE, 200, 404, body=lambda ids: asking.geofence(ids["place_id"])
    ),
    "delete_geofence": run(Right.GEOFENCES_WRITE, 204, 404),
    "read_organisation": run(Right.ORGANISATION_READ, 200, 200),
    "change_organisation": run(
        Right.ORGANISATION_WRITE, 200, 200, body=lambda _: {"name": "Another name"}
    ),
    "read_presence_rules": run(Right.ORGANISATION_READ, 200, 200),
    "replace_presence_rules": run(
        Right.ORGANISATION_WRITE, 200, 200, body=lambda _: {"silence": "PT45M"}
    ),
    "list_members": run(Right.MEMBERS_READ, 200, 200, far=200),
    "add_member": run(
        Right.MEMBERS_WRITE, 201, 201, body=lambda _: {"name": "Ben", "role": "staff"}
    ),
    "read_member": run(Right.MEMBERS_READ, 200, 404, far=200, team_lead=404),
    "change_member": run(Right.MEMBERS_WRITE, 200, 404, body=lambda _: {"disabled": True}),
    "remove_member": run(Right.MEMBERS_WRITE, 202, 404),
    "list_teams": run(Right.MEMBERS_READ, 200, 200, far=200),
    "make_team": run(Right.MEMBERS_WRITE, 201, 201, body=lambda _: {"name": "Front desk"}),
    "read_team": run(Right.MEMBERS_READ, 200, 404, far=200, team_lead=404),
    "rename_team": run(Right.MEMBERS_WRITE, 200, 404, body=lambda _: {"name": "Front desk"}),
    "delete_team": run(Right.MEMBERS_WRITE, 204, 404),
    "list_keys": run(Right.KEYS_READ, 200, 200),
    "make_key": run(Right.KEYS_WRITE, 201, 201, body=lambda _: asking.key()),
    "rotate_key": run(Right.KEYS_WRITE, 201, 404, body=lambda _: {"grace": "PT1H"}),
    "revoke_key": run(Right.KEYS_WRITE, 204, 404),
    "read_tags": run(Right.PLACES_READ, 200, 404, partner=200),
    "set_parent": run(Right.PLACES_WRITE, 200, 404, body=lambda _: {"parent_id": None}),
    "set_tags": run(Right.PLACES_WRITE, 200, 404, body=lambda _: {"tags": ["coast"]}),
    "list_shares": run(Right.PLACES_READ, 200, 404, partner=200),
    "share_place": run(Right.PLACES_SHARE, 200, 404, body=lambda _: {"statistics": False}),
    "end_share": run(Right.PLACES_SHARE, 200, 404),
    "record_pings": Row({"owner": 200}, lambda _: asking.ping()),
    "list_visits": own(200),
    "read_presence": run(Right.STATISTICS_READ, 200, 404, partner=200),
    "read_footfall": run(Right.STATISTICS_READ, 200, 404, partner=200),
    "check_in": Row({"owner": 201}, lambda ids: asking.check_in(ids["place_id"])),
    "list_check_ins": own(200),
    "list_listings": run(Right.LISTINGS_READ, 200, 200),
    "publish_listing": run(
        Right.LISTINGS_WRITE,
        201,
        404,
        partner=201,
        body=lambda ids: asking.listing(ids["place_id"]),
    ),
    "read_listing": run(Right.LISTINGS_READ, 200, 404),
    "replace_listing": run(
        Right.LISTINGS_WRITE, 200, 404, body=lambda ids: asking.listing(ids["place_id"])
    ),
    "withdraw_listing": run(Right.LISTINGS_WRITE, 204, 404),
    "list_feeds": run(Right.LISTINGS_READ, 200, 200),
    "make_feed": run(
        Right.LISTINGS_WRITE,
        201,
        404,
        partner=201,
        body=lambda ids: asking.feed(ids["place_id"]),
    ),
    "read_feed": run(Right.LISTINGS_READ, 200, 404),
    "change_feed": run(Right.LISTINGS_WRITE, 200, 404, body=lambda _: {"paused": True}),
    "delete_feed": run(Right.LISTINGS_WRITE, 204, 404),
    "run_feed": run(Right.LISTINGS_WRITE, 202, 404, body=lambda _: {"preview": True}),
    "list_runs": run(Right.LISTINGS_READ, 200, 404),
    "read_run": run(Right.LISTINGS_READ, 200, 404),
    "read_watching": free(200),
    "read_tile_json": free(200),
    "read_tile": free(200),
    "read_agenda_of_place": free(200),
    "read_linked_data_of_place": free(200),
    "read_agenda_of_event": free(200),
    "read_my_agenda": none_(),
    "read_calendar_link": mine(200, 404),
    "make_calendar_link": all_(201),
    "revoke_calendar_link": all_(204),
    "list_occurrences": all_(200, keys=True),
    "sign_up": Row({"owner": 201}, lambda _: {"starts_at": asking.story_time(days=2)}),
    "give_place_up": mine(204, 404),
    "list_my_sign_ups": all_(200),
    "list_attendance": run(Right.LISTINGS_READ, 200, 404),
    "cancel_occurrence": run(
        Right.LISTINGS_WRITE,
        201,
        404,
        body=lambda _: {"starts_at": asking.story_time(days=2), "reason": "The roof leaks."},
    ),
    "make_redemption_code": Row({"owner": 201}),
    # The offer is one that staff scan codes for.
    "redeem_oneself": Row({"owner": 409}, lambda _: {}),
    "count_redemptions": run(Right.LISTINGS_READ, 200, 404),
    "redeem_code": run(
        Right.REDEMPTIONS_WRITE,
        422,
        422,
        partner=422,
        far=422,
        body=lambda _: asking.redemption("nobody's"),
    ),
    "list_my_redemptions": all_(200),
    "list_tasks": run(Right.TASKS_READ, 200, 200),
    "read_task": run(Right.TASKS_READ, 200, 404),
    "list_steps": run(Right.TASKS_READ, 200, 404),
    # A machine has no tasks; nobody has this one yet.
    "claim_task": run(Right.TASKS_WRITE, 200, 404, key=403),
    "extend_claim": run(Right.TASKS_WRITE, 409, 404),
    "release_task": run(Right.TASKS_WRITE, 409, 404, body=lambda _: {}),
    "start_task": run(Right.TASKS_WRITE, 409, 404, body=lambda _: {}),
    "tick_items": run(Right.TASKS_WRITE, 409, 404, body=lambda _: {"ticks": {"lamp": True}}),
    "complete_task": run(Right.TASKS_WRITE, 200, 404, body=lambda _: {}),
    "decline_task": run(
        Right.TASKS_WRITE, 200, 404, key=403, body=lambda _: {"reason": "Not mine"}
    ),
    "add_note": run(Right.TASKS_WRITE, 201, 404, body=lambda _: {"note": "Bring a ladder"}),
    "assign_task": run(Right.TASKS_ASSIGN, 200, 404, body=lambda _: {"skill": "climber"}),
    "cancel_task": run(Right.LISTINGS_WRITE, 200, 404, body=lambda _: {}),
    "list_series": run(Right.LISTINGS_READ, 200, 200),
    "publish_series": run(
        Right.LISTINGS_WRITE,
        201,
        404,
        partner=201,
        body=lambda ids: asking.series(ids["place_id"]),
    ),
    "read_series": run(Right.LISTINGS_READ, 200, 404),
    "replace_series": run(
        Right.LISTINGS_WRITE, 200, 404, body=lambda ids: asking.series(ids["place_id"])
    ),
    "end_series": run(Right.LISTINGS_WRITE, 204, 404),
    "import_tasks": run(
        Right.LISTINGS_WRITE, 201, 201, partner=201, far=201, body=lambda _: {"tasks": []}
    ),
    "list_imports": run(Right.LISTINGS_READ, 200, 200, far=200),
    "read_import": run(Right.LISTINGS_READ, 200, 404, far=200),
    "list_import_lines": run(Right.LISTINGS_READ, 200, 404, far=200),
    "read_task_by_reference": run(Right.LISTINGS_READ, 200, 404),
    "put_task_by_reference": run(
        Right.LISTINGS_WRITE,
        200,
        422,
        partner=201,
        body=lambda ids: {"place": str(ids["place_id"]), "title": "Boiler"},
    ),
    "add_photo": run(Right.TASKS_WRITE, 201, 404, image=picturing.jpeg()),
    "list_photos": run(Right.TASKS_READ, 200, 404),
    "read_file": run(Right.TASKS_READ, 200, 404),
    # It is another member's.
    "remove_file": but(
        run(Right.TASKS_WRITE, 204, 404),
        {"staff": 403, "team-lead": 403, "member's device": 403},
    ),
    "list_campaigns": run(Right.CAMPAIGNS_READ, 200, 200),
    "make_campaign": run(
        Right.CAMPAIGNS_WRITE, 201, 404, body=lambda ids: asking.campaign(ids["listing_id"])
    ),
    "read_campaign": run(Right.CAMPAIGNS_READ, 200, 404),
    "replace_campaign": run(
        Right.CAMPAIGNS_WRITE, 200, 404, body=lambda ids: asking.campaign(ids["listing_id"])
    ),
    "list_campaign_versions": run(Right.CAMPAIGNS_READ, 200, 404),
    "submit_campaign": run(Right.CAMPAIGNS_WRITE, 409, 404),
    "take_back_campaign": run(Right.CAMPAIGNS_WRITE, 409, 404),
    "check_campaign": run(Right.CAMPAIGNS_READ, 200, 404),
    "ask_for_replay": run(Right.CAMPAIGNS_WRITE, 202, 404, body=lambda _: {"days": 3}),
    "list_replays": run(Right.CAMPAIGNS_READ, 200, 404),
    # It looked at places out of their reach.
    "read_replay": run(Right.CAMPAIGNS_READ, 200, 404, near=404),
    "cancel_replay": run(Right.CAMPAIGNS_WRITE, 204, 404, near=404),
    "preview_campaign": run(Right.CAMPAIGNS_READ, 200, 404),
    "send_campaign_test": run(Right.CAMPAIGNS_WRITE, 202, 404, key=403),
    "publish_campaign": run(Right.CAMPAIGNS_WRITE, 200, 404),
    "end_campaign": run(Right.CAMPAIGNS_WRITE, 204, 404),
    "begin_campaign_run": run(Right.CAMPAIGNS_WRITE, 201, 404, body=lambda _: {}),
    "list_campaign_runs": run(Right.CAMPAIGNS_READ, 200, 404),
    "read_campaign_run": run(Right.CAMPAIGNS_READ, 200, 404),
    "stop_campaign_run": run(Right.CAMPAIGNS_WRITE, 204, 404),
    "read_outcome": run(Right.CAMPAIGNS_READ, 200, 404),
    "list_my_decisions": all_(200),
    "list_notifications": all_(200),
    "read_notification": mine(200, 404),
    "take_receipts": free(200, body=lambda _: {"receipts": [asking.receipt()]}),
    "count_unread": all_(200),
    "read_all": all_(204),
    "change_notification": mine(200, 404, body=lambda _: {"read": True}),
    "list_audit_entries": run(Right.AUDIT_READ, 200, 200),
    "export_audit": run(Right.AUDIT_READ, 200, 200),
    "list_channels": all_(200),
    "choose_channels": all_(200, body=lambda _: {"push": False, "email": False}),
    "list_topics": free(200),
    "offer_topic": run(
        Right.CAMPAIGNS_WRITE,
        200,
        200,
        near=403,
        far=403,
        body=lambda _: {"names": {"en-GB": "Owls"}},
    ),
    "withdraw_topic": run(Right.CAMPAIGNS_WRITE, 204, 204, near=403, far=403),
    "list_interests": all_(200),
    "choose_interests": Row({"owner": 200, "other device": 200}, lambda _: {"interests": []}),
    "read_email": mine(200, 404),
    "set_email": mine(200, 403, body=lambda _: {"address": "anna@example.org"}),
    "remove_email": all_(204),
    "confirm_email": free(422, body=lambda _: {"token": "made-up"}),
    "open_unsubscribe": free(303),
    "unsubscribe_from_email": free(422),
    "take_visit_back": mine(204, 404),
    "take_check_in_back": mine(204, 404),
    "explain_silence": all_(200),
    "read_my_data": all_(200),
    "list_my_data": all_(200),
    "ask_for_export": all_(202),
    "list_exports": all_(200),
    "read_export": mine(200, 404),
    "download_export": mine(200, 404),
    # A member must have signed in just before.
    "erase_me": Row({"owner": 202, "other device": 202}),
    "read_erasure": free(200),
    "read_personal_code": own(200),
    "check_in_by_staff": run(
        Right.CHECK_INS_SCAN, 422, 404, body=lambda _: asking.staff_scan("nobody's")
    ),
    "list_codes": run(Right.CODES_READ, 200, 404, partner=200),
    "make_code": run(Right.CODES_WRITE, 201, 404, partner=201, body=lambda _: asking.code()),
    "read_code": run(Right.CODES_READ, 200, 404),
    "revoke_code": run(Right.CODES_WRITE, 204, 404),
    "read_svg_poster": run(Right.CODES_READ, 200, 404),
    "read_pdf_poster": run(Right.CODES_READ, 200, 404),
    "read_screen": none_(),
    "open_link": free(404),
    **dict.fromkeys(PAGES[1:], free(200)),
    "list_providers": free(200),
    "start_sign_in": free(404),
    "finish_sign_in": free(404),
    "end_provider_session": free(404),
    "log_out_by_provider": free(404),
    "sign_in": free(401, body=lambda _: asking.sign_in(username=uuid4().hex)),
    "sign_out": signed_in(200),
    "list_sign_ins": signed_in(200),
    "sign_out_elsewhere": signed_in(204),
    "end_sign_in": signed_in(404),
    "invite_member": run(Right.MEMBERS_WRITE, 201, 404, body=lambda _: {"username": "anna"}),
    "remove_members_second_factor": run(Right.MEMBERS_WRITE, 409, 404),
    "ask_for_reset": free(202, body=lambda _: {"username": uuid4().hex}),
    "set_password": free(422, body=lambda _: {"token": "made-up", "password": "made up"}),
    "change_password": signed_in(409, body=lambda _: {"current": "made up", "new": "made up"}),
    "read_second_factor": signed_in(409),
    "begin_second_factor": signed_in(409, body=lambda _: {"password": "made up"}),
    "confirm_second_factor": signed_in(409, body=lambda _: {"code": "123456"}),
    "remove_second_factor": signed_in(
        409, body=lambda _: {"password": "made up", "code": "123456"}
    ),
    "live": free(200),
    "ready": free(503),
    "explain_problem": free(200),
}


IDENTIFYING = [
    route.name
    for noun in NOUNS
    for route in noun.router.routes
    if isinstance(route, APIRoute) and identify in calls_of(route.dependant)
]
"""The operations to which the same function says who asks."""
SHARE = 6
"""One in so many worthless tokens is tried at each of those; each token at some thirty."""
NAMES = {
    "version": "2026-11",
    "purpose": "nearby",
    "code": "not-found",
    "link_token": "none",
    "provider": "none",
    "key": "owls",
    "kind": "positions",
    "organisation_slug": "exeter",
    "external_id": "A1",
    "revision": "1-1",
    "z": "0",
    "x": "0",
    "y": "0",
}
"""What paths name otherwise than by an id."""
ASKED = {
    "read_grid": {"first": "2026-03-01", "last": "2026-03-04"},
    "read_footfall": {"from": "2026-03-04T10:00:00Z", "until": "2026-03-04T14:00:00Z"},
    "open_unsubscribe": {"token": "made-up"},
    "unsubscribe_from_email": {"token": "made-up"},
    "read_my_agenda": {"token": "made-up"},
    "erase_me": {"confirm": "erase-everything"},
}
"""What has to be asked for in the query."""


@pytest.fixture
def sessions(standing: Standing) -> Iterator[SessionFactory]:
    """Sessions in the world that stands, undone after each test."""
    with undoing(standing) as sessions:
        yield sessions


@pytest.fixture
def world(standing: Standing) -> World:
    """Everything there is to be seen."""
    return standing.world


@pytest.fixture
def tokens(standing: Standing) -> dict[str, str]:
    """A valid token of each kind of caller."""
    return {caller: token for caller, token in standing.valid.items() if token}


@cache
def find(application: FastAPI, operation: str) -> tuple[str, str]:
    """An operation's method, in capitals, and path."""
    [(method, path)] = [
        (method, path)
        for path, methods in application.openapi()["paths"].items()
        for method, told in methods.items()
        if told["operationId"] == operation
    ]
    return method.upper(), path


def call(client: Client, application: FastAPI, operation: str, ids: Ids) -> Response:
    """Do what the operation is for, with the ids of the world's things."""
    method, path = find(application, operation)
    row = TABLE[operation]
    address = path.format(**NAMES, **ids)
    sent: dict[str, Any] = {} if row.body is None else {"json": row.body(ids)}
    if row.image is not None:
        sent = {"content": row.image, "headers": {"Content-Type": "image/jpeg"}}
    sent["follow_redirects"] = False
    return client.request(method, address, params=ASKED.get(operation), **sent)


def ours(connection: Connection, world: World) -> Mapping[str, object]:
    """All that is the organisation's, by table, as one number each; what was asked is logged."""
    tables = [
        table
        for table in all_tables().sorted_tables
        if "organisation_id" in table.c and not table.name.startswith("audit_")
    ]
    asked = " UNION ALL ".join(
        f"SELECT '{table.name}', md5(string_agg(t::text, ',' ORDER BY t::text)) "  # noqa: S608
        f"FROM {table.name} AS t WHERE organisation_id = :id"
        for table in tables
    )
    return dict(connection.execute(text(asked), {"id": world.organisation.id}).all())


def to_be_tried(worthless: Mapping[str, str], operation: str) -> Mapping[str, str]:
    """The worthless tokens that an operation is asked with: all, or some where others see the rest.

    What lets them in nowhere is one function, so that trying each token at each operation would
    prove the same line over and over.
    """
    if operation not in IDENTIFYING:
        return worthless
    turn = IDENTIFYING.index(operation) % SHARE
    return dict(list(worthless.items())[turn::SHARE])


def who_ask(valid: Mapping[str, str | None], operation: str) -> Mapping[str, str | None]:
    """Who asks for an operation with a valid token: everybody, but not each of Dorset's roles.

    Those that have the right do. Of those that it does not depend on whose organisation it is that
    they are refused, or of all where no right is needed, two do in turn.
    """
    row, turn = TABLE[operation], list(TABLE).index(operation)
    alike = [caller for caller in THEIRS if row.right is None or row.expected(caller) == 403]
    left_out = {*alike} - {*islice(cycle(alike), turn, turn + 2)}
    return {caller: token for caller, token in valid.items() if caller not in left_out}


def test_every_operation_has_its_row(application: FastAPI) -> None:
    """A new route must say who may use it before it can be merged."""
    documented = [told["operationId"] for told in operations(application.openapi())]

    assert sorted(TABLE) == sorted(documented)


def test_the_roles_have_the_rights_that_they_are_meant_to() -> None:
    """Signed in, and by a device."""
    for by_device, wanted in ((False, set(Right)), (True, BY_DEVICE)):
        found = {
            right: {role for role in Role if right in rights_of(role, by_device=by_device)}
            for right in Right
        }

        assert found == {
            right: set(MAY[right].split()) if right in wanted else set() for right in Right
        }


def test_every_route_needs_the_right_that_its_row_says() -> None:
    """Whatever else it needs, whoever has that right has too."""
    needed = {
        route.name: {call.right for call in calls_of(route.dependant) if isinstance(call, Needs)}
        for noun in NOUNS
        for route in noun.router.routes
        if isinstance(route, APIRoute)
    }

    for operation, rights in needed.items():
        right = TABLE[operation].right
        assert (right in rights) if right else not rights, operation
        for other in rights:
            assert set(MAY[right or other].split()) <= set(MAY[other].split())


def test_nothing_is_served_beside_what_is_documented(settings: Settings) -> None:
    """No route hides from the document, but for it, the web app, and files that pages load."""
    application = create_app(SessionFactory(), settings)
    hidden = {getattr(route, "path", None) for route in application.routes} - {None}

    files = {"/docs/assets", "/pages", ASSETS, f"/{WORKER}"}
    assert hidden == {"/openapi.json", "/docs", *files, *read_build(FOLDER).addresses}


@pytest.mark.parametrize("operation", TABLE)
def test_a_caller_may_do_what_the_table_says(
    anyone: Client,
    application: FastAPI,
    sessions: SessionFactory,
    session: Session,
    standing: Standing,
    operation: str,
) -> None:
    """Each operation answers each caller as its row says.

    Whoever is of another organisation, or is refused, has changed nothing of the organisation's
    afterwards, and has read nothing that is only its own.
    """
    row, world = TABLE[operation], standing.world
    worthless = to_be_tried(standing.worthless, operation)
    lacking = make_api_key(session, world.organisation, FOR_KEYS - {row.right})[1]
    valid = who_ask({**standing.valid, "key without it": lacking}, operation)
    session.commit()
    connection = sessions.kw["bind"]
    before = ours(connection, world)
    told: dict[str, int] = {}

    for caller, token in {**valid, **worthless}.items():
        made = connection.begin_nested()
        client = with_token(anyone, token) if token else anyone
        answer = call(client, application, operation, world.ids)
        told[caller] = answer.status_code
        if answer.status_code >= 400 or caller in OUTSIDERS:
            assert MARK not in answer.text, caller
        if answer.status_code >= 400:
            made.commit()
            continue
        if caller in OUTSIDERS:
            assert ours(connection, world) == before, caller
        made.rollback()

    assert ours(connection, world) == before
    refused = row.open_ if row.looks_at_no_token else 401
    assert told == {
        **{caller: row.expected(caller) for caller in valid},
        **dict.fromkeys(worthless, refused),
    }


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
        for caller in ("other device", "staff", "manager", "Dorset's manager")
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
    theirs = with_token(anyone, tokens["Dorset's manager"]).get(path)
    asked = with_token(anyone, tokens["Dorset's manager"]).get(
        path, params={"place_id": str(world.ids["place_id"])}
    )

    assert sum(str(id_) in ours.text for id_ in world.ids.values()) >= 1
    for answer in (theirs, asked):
        assert not any(str(id_) in answer.text.split('"next"')[0] for id_ in world.ids.values())


def test_what_is_not_yours_looks_like_what_is_not_there(
    anyone: Client, world: World, tokens: dict[str, str]
) -> None:
    """Both are the same 404, so that ids of others cannot be found out."""
    other = with_token(anyone, tokens["Dorset's manager"])

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
        for caller in PEOPLE
    }

    shown = {caller for caller, kinds in seen.items() if "task" in kinds}
    assert shown == {"member's device", *OURS} - {"kiosk"}


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
