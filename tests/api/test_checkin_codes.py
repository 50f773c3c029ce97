"""Check-ins with codes: what was scanned speaks for them, or the answer says why not."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import Client
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.models import Device, Organisation, Purpose
from geoservices.checkins.models import CheckIn
from geoservices.checkins.verification import Evidence
from geoservices.codes import links
from geoservices.codes.links import CodeKind
from geoservices.codes.models import Code
from geoservices.outbox import OutboxMessage
from geoservices.places.models import Place
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.asking import check_in, now
from tests.api.conftest import with_token
from tests.api.scanned import screen_link, static_link
from tests.factories import (
    EXETER,
    make_access_token,
    make_code,
    make_device,
    make_geofence,
    make_listing,
    make_organisation,
    make_person,
    make_place,
)

FAR = {"lon": EXETER[0] + 1, "lat": EXETER[1], "accuracy_m": 8}


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library with its geofence, about 57 by 89 m."""
    place = make_place(session, organisation)
    make_geofence(session, place)
    session.commit()
    return place


@pytest.fixture
def poster(session: Session, place: Place) -> Code:
    """A code on a poster at the place."""
    code = make_code(session, place)
    session.commit()
    return code


@pytest.fixture
def screen(session: Session, place: Place) -> Code:
    """A code on a screen at the place."""
    code = make_code(session, place, CodeKind.ROTATING)
    session.commit()
    return code


@pytest.fixture
def staff(anyone: Client, session: Session, organisation: Organisation) -> Client:
    """A member of Devon's staff."""
    token = make_access_token(session, organisation, Role.STAFF)
    session.commit()
    return with_token(anyone, token)


def doubts(answer: Any) -> list[str]:
    """The codes of what keeps a check-in from proving more; each is told in words too."""
    told = answer.json()["doubts"]
    assert all(one["detail"].endswith(".") for one in told)
    return [one["code"] for one in told]


@pytest.mark.parametrize(
    ("position", "evidence"),
    [
        pytest.param("inside", "code-inside", id="and inside"),
        pytest.param(None, "code", id="and no position: it may be a photograph"),
        pytest.param(FAR, "self-declared", id="and far away: it is a photograph"),
    ],
)
def test_a_poster_speaks_with_a_position(
    citizen: Client, place: Place, poster: Code, settings: Settings, position: Any, evidence: str
) -> None:
    """Better than the button where both agree, and nothing where they contradict each other."""
    given = {} if position == "inside" else {"position": position}
    body = check_in(place.id, code=static_link(poster, settings), **given)

    answer = citizen.post("/v1/check-ins", json=body)

    assert answer.status_code == 201
    assert answer.json()["evidence"] == evidence
    assert bool(doubts(answer)) == (evidence != "code-inside")


@pytest.mark.parametrize("position", [None, {"lon": EXETER[0], "lat": EXETER[1] + 0.003}])
def test_a_screen_speaks_by_itself(
    citizen: Client, place: Place, screen: Code, settings: Settings, position: Any
) -> None:
    """Indoors, where a phone has no position or one that is 300 m off."""
    link = screen_link(screen, settings, now())

    answer = citizen.post("/v1/check-ins", json=check_in(place.id, code=link, position=position))

    assert answer.json()["evidence"] == "rotating-code"
    assert answer.json()["doubts"] == []


def test_a_screen_far_from_the_phone_was_passed_on(
    citizen: Client, place: Place, screen: Code, settings: Settings
) -> None:
    """A code sent to a friend in another county proves nothing of the friend."""
    link = screen_link(screen, settings, now())

    answer = citizen.post("/v1/check-ins", json=check_in(place.id, code=link, position=FAR))

    assert answer.json()["evidence"] == "self-declared"
    assert doubts(answer) == ["position-elsewhere"]


@pytest.mark.parametrize("claims", [True, False])
def test_a_photograph_of_the_screen_is_worth_nothing_later(
    citizen: Client, place: Place, screen: Code, settings: Settings, *, claims: bool
) -> None:
    """Whether or not the phone says that it scanned in time: whoever was sent it can say so."""
    taken_at = now() - timedelta(minutes=3)
    told = {"claimed_at": taken_at.isoformat()} if claims else {}
    body = check_in(place.id, code=screen_link(screen, settings, taken_at), position=None, **told)

    answer = citizen.post("/v1/check-ins", json=body)

    assert answer.json()["evidence"] == "self-declared"
    assert doubts(answer) == ["code-out-of-date", "not-measured"]


def _nothing(_code: Code, _session: Session) -> None:
    pass


def _revoke(code: Code, _session: Session) -> None:
    code.revoked_at = now()


def _expire(code: Code, _session: Session) -> None:
    code.valid_until = now()


def _postpone(code: Code, _session: Session) -> None:
    code.valid_from = now() + timedelta(days=1)


def _move(code: Code, session: Session) -> None:
    other = make_place(session, make_organisation(session, "torbay"))
    code.place_id = other.id


@pytest.mark.parametrize("spoil", [_nothing, _revoke, _expire])
def test_a_code_without_a_place_means_its_own(
    citizen: Client, session: Session, place: Place, poster: Code, settings: Settings, spoil: Any
) -> None:
    """A phone knows no more than it scanned; even a revoked code still names the place."""
    spoil(poster, session)
    session.commit()
    body = {"id": str(uuid4()), "code": static_link(poster, settings)}

    answer = citizen.post("/v1/check-ins", json=body)
    again = citizen.post("/v1/check-ins", json=body)

    assert answer.json()["place_id"] == str(place.id)
    assert (answer.status_code, again.status_code) == (201, 200)
    assert answer.json() == again.json()


@pytest.mark.parametrize("code", [{}, {"code": "HTTPS://MENU.TEST/C/TODAY"}])
def test_neither_place_nor_code_is_refused(
    citizen: Client, session: Session, code: dict[str, str]
) -> None:
    """There is nowhere to be."""
    answer = citizen.post("/v1/check-ins", json={"id": str(uuid4()), **code})

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/place-not-named"
    assert session.scalar(select(func.count()).select_from(CheckIn)) == 0


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (_nothing, "code-unknown"),
        (_revoke, "code-revoked"),
        (_expire, "code-expired"),
        (_postpone, "code-not-yet-valid"),
        (_move, "code-of-another-place"),
    ],
)
def test_a_code_that_is_refused_leaves_the_check_in_as_it_was(
    citizen: Client,
    session: Session,
    place: Place,
    poster: Code,
    settings: Settings,
    spoil: Any,
    problem: str,
) -> None:
    """Honest people are not turned away for an old poster; the answer says what was wrong."""
    spoil(poster, session)
    session.commit()
    link = static_link(poster, settings)
    code = link[:-3] + "AAA" if spoil is _nothing else link

    answer = citizen.post("/v1/check-ins", json=check_in(place.id, code=code))

    assert answer.status_code == 201
    assert answer.json()["evidence"] == "inside"
    assert doubts(answer) == [problem]
    assert citizen.get("/v1/check-ins").json()["items"][0]["doubts"] == answer.json()["doubts"]
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 1


def test_a_code_unlocks_what_a_button_does_not(
    citizen: Client, session: Session, place: Place, screen: Code, settings: Settings
) -> None:
    """A listing asks for the evidence it needs."""
    make_listing(session, place, evidence_needed=Evidence.ROTATING_CODE)
    session.commit()

    button = citizen.post("/v1/check-ins", json=check_in(place.id))
    scanned = citizen.post(
        "/v1/check-ins", json=check_in(place.id, code=screen_link(screen, settings, now()))
    )

    assert [one["unlocked"] for one in button.json()["listings"]] == [False]
    assert button.json()["listings"][0]["locked_because"] == (
        "It asks for the evidence rotating-code; this check-in has inside."
    )
    assert [one["unlocked"] for one in scanned.json()["listings"]] == [True]


def personal_code(citizen: Client) -> str:
    """What the citizen's phone shows to staff."""
    shown = citizen.get("/v1/devices/me/code").json()
    expires_in = datetime.fromisoformat(shown["expires_at"]) - now()
    assert timedelta(seconds=110) < expires_in <= timedelta(seconds=120)
    return str(shown["code"])


def scanned_by(staff: Client, place_id: UUID, body: dict[str, Any]) -> Any:
    """The answer to a member of staff who scanned."""
    return staff.post(f"/v1/places/{place_id}/check-ins", json=body)


def test_staff_check_somebody_in(
    citizen: Client, staff: Client, session: Session, place: Place
) -> None:
    """With the highest evidence; it is the citizen's check-in, and staff learn nothing of them."""
    answer = scanned_by(staff, place.id, asking.staff_scan(personal_code(citizen)))

    [mine] = citizen.get("/v1/check-ins").json()["items"]
    stored = session.scalars(select(CheckIn)).one()
    assert answer.status_code == 201
    assert answer.json() == mine
    assert mine["evidence"] == "staff-scan"
    assert stored.scanned_by is not None
    assert str(stored.device_id) not in answer.text
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 1


def test_the_same_scan_again_is_the_first_check_in(
    citizen: Client, staff: Client, session: Session, place: Place, settings: Settings
) -> None:
    """Even once the code has become too old, as when the answer was lost on the way."""
    device_id = session.scalars(select(Device.id)).one()
    body = asking.staff_scan(personal_code(citizen))
    first = scanned_by(staff, place.id, body)
    old = links.make_personal_token(
        settings.codes.secret, device_id, at=now() - timedelta(minutes=5)
    )

    second = scanned_by(staff, place.id, body | {"code": old})

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert session.scalar(select(func.count()).select_from(CheckIn)) == 1


@pytest.mark.usefixtures("citizen")
def test_a_personal_code_is_worth_nothing_later(
    staff: Client, session: Session, place: Place, settings: Settings
) -> None:
    """A picture of it, shown by somebody else tomorrow."""
    device_id = session.scalars(select(Device.id)).one()
    old = links.make_personal_token(
        settings.codes.secret, device_id, at=now() - timedelta(seconds=125)
    )

    answer = scanned_by(staff, place.id, asking.staff_scan(old))

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/personal-code-refused"
    assert "Ask the person to show it again." in answer.json()["detail"]
    assert session.scalar(select(func.count()).select_from(CheckIn)) == 0


def test_a_place_code_or_a_revoked_phone_checks_nobody_in(
    citizen: Client, staff: Client, place: Place, poster: Code, settings: Settings
) -> None:
    """Staff are told; nothing is stored."""
    shown = personal_code(citizen)
    citizen.delete("/v1/devices/me")

    for code in (shown, static_link(poster, settings), "GSP-", "GSP-AAAA", "é"):
        answer = scanned_by(staff, place.id, asking.staff_scan(code))
        assert answer.status_code == 422
        assert answer.json()["type"] == "/problems/personal-code-refused"
        assert answer.json()["field"] == "/code"


def test_staff_cannot_vouch_for_themselves(staff: Client, place: Place) -> None:
    """Not with the phone they made with their own token."""
    made = staff.post("/v1/devices", json={}).json()
    own_phone = with_token(staff, made["token"])
    shown = own_phone.get("/v1/devices/me/code").json()["code"]

    answer = scanned_by(staff, place.id, asking.staff_scan(shown))

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/personal-code-refused"


def test_staff_may_scan_with_their_own_phone(citizen: Client, staff: Client, place: Place) -> None:
    """A device made with a staff token speaks for its member."""
    made = staff.post("/v1/devices", json={}).json()

    answer = scanned_by(
        with_token(staff, made["token"]), place.id, asking.staff_scan(personal_code(citizen))
    )

    assert answer.status_code == 201


def test_staff_scan_at_their_own_organisations_places_alone(
    citizen: Client, staff: Client, session: Session
) -> None:
    """Another council's place looks as if it did not exist."""
    theirs = make_place(session, make_organisation(session, "torbay"))
    session.commit()

    answer = scanned_by(staff, theirs.id, asking.staff_scan(personal_code(citizen)))

    assert answer.status_code == 404


def test_staff_check_nobody_in_who_did_not_agree(
    stranger: Client, staff: Client, session: Session, place: Place
) -> None:
    """The person's consent is asked for as if they had pressed the button."""
    answer = scanned_by(staff, place.id, asking.staff_scan(personal_code(stranger)))

    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/consent-missing"
    assert session.scalar(select(func.count()).select_from(CheckIn)) == 0


def test_an_id_that_was_somebody_elses_is_taken(
    citizen: Client, anyone: Client, staff: Client, session: Session, place: Place
) -> None:
    """One scan, one person."""
    _device, token = make_device(session, make_person(session, Purpose.CHECK_IN_CONTENT))
    session.commit()
    body = asking.staff_scan(personal_code(citizen))
    scanned_by(staff, place.id, body)

    other = personal_code(with_token(anyone, token))
    answer = scanned_by(staff, place.id, body | {"code": other})

    assert answer.status_code == 409
