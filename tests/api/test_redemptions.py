"""Offers redeemed over HTTP: by a code that staff take, and by oneself."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from httpx2 import Client
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geoservices.access.rights import Right, Role
from geoservices.accounts.joining_codes import ALPHABET
from geoservices.accounts.models import Organisation, Person, Purpose
from geoservices.checkins.models import CheckIn
from geoservices.offers import service
from geoservices.offers.models import Offer, Redemption
from geoservices.offers.refusals import OfferUsedUp
from geoservices.places.models import Place
from geoservices.settings.service import Settings
from tests.api import asking
from tests.api.conftest import agree, with_token
from tests.factories import (
    make_access_token,
    make_api_key,
    make_device,
    make_geofence,
    make_organisation,
    make_person,
    make_place,
    may,
)
from tests.redeeming import (
    ask_for_code,
    code_of,
    offer,
    publish,
    scan,
    self_service,
    take,
    told,
)
from tests.scanning import paint_path
from tests.scanning import scan as read_qr

AGO = timedelta(hours=2)


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """Exeter Library."""
    place = make_place(session, organisation)
    make_geofence(session, place)
    session.commit()
    return place


@pytest.fixture
def staff(anyone: Client, session: Session, organisation: Organisation) -> Client:
    """Who stands at the desk."""
    token = make_access_token(session, organisation, Role.STAFF)
    session.commit()
    return with_token(anyone, token)


@pytest.fixture
def people(anyone: Client, session: Session) -> Callable[[], Client]:
    """One more citizen who agreed to checking in."""

    def one() -> Client:
        token = make_device(session, make_person(session, Purpose.CHECK_IN_CONTENT))[1]
        session.commit()
        return with_token(anyone, token)

    return one


def age(session: Session, by: timedelta) -> None:
    """Let every code have been made earlier."""
    session.execute(
        update(Redemption).values(
            made_at=Redemption.made_at - by, expires_at=Redemption.expires_at - by
        )
    )
    session.commit()
    session.expire_all()


def test_a_code_is_given_scanned_and_worth_nothing_afterwards(
    manager: Client, citizen: Client, staff: Client, place: Place
) -> None:
    """Staff are told what it is for, and not whose; both see what came of it."""
    offer_id = publish(manager, offer(place.id, terms="One each.", stock=5))

    given = ask_for_code(citizen, offer_id)
    redeemed = scan(staff, given.json()["code"])
    again = scan(staff, given.json()["code"])

    assert (given.status_code, redeemed.status_code) == (201, 201)
    assert told(again) == (409, "redemption-code-used")
    assert again.json()["redeemed_at"] == redeemed.json()["redeemed_at"].replace("Z", "+00:00")
    assert redeemed.json() == {
        "redemption_id": given.json()["id"],
        "offer_id": offer_id,
        "place_id": str(place.id),
        "title": "Free hot drink",
        "terms": "One each.",
        "redeemed_at": redeemed.json()["redeemed_at"],
    }
    [mine] = citizen.get("/v1/me/redemptions").json()["items"]
    assert (mine["id"], mine["redeemed_at"]) == (given.json()["id"], redeemed.json()["redeemed_at"])
    counts = manager.get(f"/v1/offers/{offer_id}/redemptions").json()
    assert counts == {"redeemed": 1, "waiting": 0, "left": 4}
    assert manager.get(f"/v1/listings/{offer_id}").json()["redeemed_count"] == 1


def test_a_code_is_shown_to_be_scanned_and_typed(
    manager: Client, citizen: Client, staff: Client, place: Place
) -> None:
    """What the picture says is as good as what stands below it, and so is how it is typed."""
    offer_id = publish(manager, offer(place.id, per_person=2))
    given = ask_for_code(citizen, offer_id).json()

    scanned = scan(staff, read_qr(paint_path(given["qr"]["size_modules"], given["qr"]["path"])))
    typed = scan(staff, code_of(citizen, offer_id).lower().replace("-", " ").replace("0", "o"))

    assert set(given["code"]) <= {*ALPHABET, "-"}
    assert (scanned.status_code, typed.status_code) == (201, 201)


def test_asking_again_gives_the_same_code_on_every_device(
    anyone: Client, manager: Client, session: Session, place: Place
) -> None:
    """It keeps one piece; once it has expired there is another code, and the first is unknown."""
    person = make_person(session, Purpose.CHECK_IN_CONTENT)
    phone, tablet = (with_token(anyone, make_device(session, person)[1]) for _ in range(2))
    session.commit()
    offer_id = publish(manager, offer(place.id, stock=1))

    first, second = ask_for_code(phone, offer_id), ask_for_code(tablet, offer_id)
    age(session, timedelta(minutes=10))
    expired = scan(manager, first.json()["code"])
    third = ask_for_code(phone, offer_id)

    assert (first.status_code, second.status_code, third.status_code) == (201, 200, 201)
    counts = [answer.json().pop("seconds_left") for answer in (first, second)]
    assert 0 < counts[1] <= counts[0] <= 600
    for member in ("id", "code", "qr", "expires_at"):
        assert first.json()[member] == second.json()[member]
    assert told(expired) == (409, "redemption-code-expired")
    assert third.json()["code"] != first.json()["code"]
    assert told(scan(manager, first.json()["code"])) == (422, "redemption-code-unknown")
    assert scan(manager, third.json()["code"]).status_code == 201


def test_sending_a_scan_again_is_safe(
    manager: Client, staff: Client, people: Callable[[], Client], place: Place
) -> None:
    """The same id and code return what was redeemed; the id is good for no other code."""
    offer_id = publish(manager, offer(place.id))
    code, other = code_of(people(), offer_id), code_of(people(), offer_id)
    scan_id = str(uuid4())

    first, second = (scan(staff, code, id=scan_id) for _ in range(2))
    clashing = scan(staff, other, id=scan_id)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert told(clashing) == (409, "id-taken")
    assert manager.get(f"/v1/offers/{offer_id}/redemptions").json()["redeemed"] == 1


@pytest.mark.parametrize("code", ["nobody's", "ABCD-EFGH", "GSR-ABCDEFGH", "gsp-AAAAAAAAAAAA", "0"])
def test_what_is_no_code_is_unknown(staff: Client, code: str) -> None:
    """Whatever it looks like."""
    assert told(scan(staff, code)) == (422, "redemption-code-unknown")


def test_a_code_is_for_the_staff_of_its_offer(
    anyone: Client, manager: Client, citizen: Client, session: Session, place: Place
) -> None:
    """Not for another organisation's, and not for a key that does not reach the place."""
    offer_id = publish(manager, offer(place.id))
    code = code_of(citizen, offer_id)
    dorset = make_access_token(session, make_organisation(session, "dorset"), Role.STAFF)
    organisation = session.get_one(Organisation, place.organisation_id)
    key, secret = make_api_key(session, organisation, {Right.REDEMPTIONS_WRITE})
    key.reach = {"tags": ["coast"], "area": None}
    session.commit()

    foreign = scan(with_token(anyone, dorset), code)
    beyond = scan(with_token(anyone, secret), code)
    key.reach = None
    session.commit()
    within = scan(with_token(anyone, secret), code)

    assert told(foreign) == told(beyond) == (422, "redemption-code-foreign")
    assert within.status_code == 201


def test_nobody_redeems_their_own_code(
    anyone: Client, manager: Client, session: Session, organisation: Organisation, place: Place
) -> None:
    """A member is a person too, and asks a colleague."""
    token = make_access_token(session, organisation, Role.STAFF)
    session.commit()
    member = with_token(anyone, token)
    device = with_token(anyone, member.post("/v1/devices", json={}).json()["token"])
    agree(device, Purpose.CHECK_IN_CONTENT)
    code = code_of(device, publish(manager, offer(place.id)))

    own = [scan(client, code) for client in (member, device)]

    assert [told(one) for one in own] == [(422, "own-redemption-code")] * 2
    assert scan(manager, code).status_code == 201


def test_whoever_did_not_agree_to_checking_in_gets_no_code(
    manager: Client, stranger: Client, place: Place, session: Session
) -> None:
    """And nothing is stored."""
    refused = ask_for_code(stranger, publish(manager, offer(place.id)))

    assert told(refused) == (403, "consent-missing")
    assert session.scalars(select(Redemption)).all() == []


def test_an_offer_is_unlocked_by_a_recent_check_in_at_its_place(
    manager: Client, citizen: Client, session: Session, place: Place, organisation: Organisation
) -> None:
    """Not by one elsewhere, nor by one that is too weak or too old."""
    elsewhere = make_place(session, organisation)
    make_geofence(session, elsewhere)
    session.commit()
    offer_id = publish(manager, offer(place.id, evidence_needed="inside"))

    locked = [ask_for_code(citizen, offer_id)]
    for check_in in (asking.check_in(elsewhere.id), asking.check_in(place.id, position=None)):
        citizen.post("/v1/check-ins", json=check_in)
        locked.append(ask_for_code(citizen, offer_id))
    citizen.post("/v1/check-ins", json=asking.check_in(place.id))
    session.execute(update(CheckIn).values(claimed_at=CheckIn.claimed_at - AGO))
    session.commit()
    locked.append(ask_for_code(citizen, offer_id))
    citizen.post("/v1/check-ins", json=asking.check_in(place.id))

    assert [told(one) for one in locked] == [(409, "offer-locked")] * 4
    assert ask_for_code(citizen, offer_id).status_code == 201


def test_a_code_ends_with_its_window(
    manager: Client, citizen: Client, session: Session, place: Place
) -> None:
    """And outside of it there is none, but when there is one next."""
    # Where clocks never change, a day later is a day later.
    place.time_zone = "Africa/Abidjan"
    session.commit()
    begins = asking.now() - timedelta(hours=2) + timedelta(minutes=3)
    terms = {
        "window_starts_at": begins.isoformat(),
        "window_length": "PT2H",
        "window_rule": "FREQ=DAILY",
    }
    offer_id = publish(manager, offer(place.id, **terms) | {"starts_at": begins.isoformat()})
    given = ask_for_code(citizen, offer_id).json()
    earlier = begins - timedelta(hours=1)
    terms["window_starts_at"] = earlier.isoformat()
    manager.put(
        f"/v1/listings/{offer_id}",
        json=offer(place.id, **terms) | {"starts_at": earlier.isoformat()},
    )

    refused = ask_for_code(citizen, offer_id)

    until = (begins + timedelta(hours=2)).isoformat().replace("+00:00", "Z")
    assert given["expires_at"] == until
    assert told(refused) == (409, "offer-not-on")
    assert refused.json()["next_on_at"] == (earlier + timedelta(days=1)).isoformat()


def test_a_withdrawn_offer_is_redeemed_by_nobody(
    manager: Client, citizen: Client, people: Callable[[], Client], place: Place
) -> None:
    """Nor with a code from before."""
    offer_id = publish(manager, offer(place.id))
    code = code_of(citizen, offer_id)
    manager.delete(f"/v1/listings/{offer_id}")

    refused = [scan(manager, code), ask_for_code(people(), offer_id)]

    assert [told(one) for one in refused] == [(409, "offer-not-on")] * 2
    assert [one.json()["next_on_at"] for one in refused] == [None, None]


def test_a_kept_piece_is_free_again_once_its_code_expires(
    manager: Client, people: Callable[[], Client], session: Session, place: Place
) -> None:
    """Whoever comes meanwhile is told when that is; afterwards the code is worth nothing."""
    offer_id = publish(manager, offer(place.id, stock=1))
    first, second = people(), people()
    given = ask_for_code(first, offer_id).json()

    meanwhile = ask_for_code(second, offer_id)
    age(session, timedelta(minutes=10))
    afterwards = ask_for_code(second, offer_id)
    late = scan(manager, given["code"])
    scanned = scan(manager, afterwards.json()["code"])
    gone = ask_for_code(first, offer_id)

    assert told(meanwhile) == (409, "offer-used-up")
    assert meanwhile.json()["free_at"] == given["expires_at"].replace("Z", "+00:00")
    assert (afterwards.status_code, scanned.status_code) == (201, 201)
    assert told(late) == (409, "redemption-code-expired")
    assert (told(gone), gone.json()["free_at"]) == ((409, "offer-used-up"), None)


def test_a_request_that_waited_too_long_takes_no_piece_that_was_given_away(
    manager: Client,
    people: Callable[[], Client],
    session: Session,
    organisation: Organisation,
    place: Place,
    settings: Settings,
) -> None:
    """Its own time lies before the end of its code, and the piece is another person's by now."""
    offer_id = publish(manager, offer(place.id, stock=1))
    code = code_of(people(), offer_id)
    age(session, timedelta(minutes=10))
    scan(manager, code_of(people(), offer_id))
    grant = may(organisation, Right.REDEMPTIONS_WRITE)

    with pytest.raises(OfferUsedUp):
        service.redeem_code(
            session,
            grant,
            code,
            scan_id=None,
            settings=settings,
            at=asking.now() - timedelta(minutes=1),
        )

    session.expire_all()
    assert session.get_one(Offer, UUID(offer_id)).redeemed_count == 1


def test_a_limit_that_is_renewed_says_when(
    manager: Client, citizen: Client, session: Session, place: Place
) -> None:
    """What was redeemed before the day began does not count."""
    offer_id = publish(manager, offer(place.id, per_person_renews="daily"))
    scan(manager, code_of(citizen, offer_id))
    today = ask_for_code(citizen, offer_id)
    session.execute(
        update(Redemption).values(redeemed_at=Redemption.redeemed_at - timedelta(days=1))
    )
    session.commit()

    tomorrow = ask_for_code(citizen, offer_id)

    assert told(today) == (409, "offer-limit-reached")
    assert today.json()["again_at"] > asking.now().isoformat()
    assert tomorrow.status_code == 201


def test_a_limit_for_good_stays_reached(manager: Client, citizen: Client, place: Place) -> None:
    """Two of them, and no more."""
    offer_id = publish(manager, offer(place.id, per_person=2))
    for _ in range(2):
        assert scan(manager, code_of(citizen, offer_id)).status_code == 201

    refused = ask_for_code(citizen, offer_id)

    assert (told(refused), refused.json()["again_at"]) == ((409, "offer-limit-reached"), None)


def test_redeeming_oneself_takes_a_check_in_inside(
    manager: Client, citizen: Client, place: Place
) -> None:
    """Once, however often it is sent; then the limit is reached."""
    offer_id = publish(manager, self_service(place.id))
    locked = take(citizen, offer_id)
    citizen.post("/v1/check-ins", json=asking.check_in(place.id))
    number = str(uuid4())

    first, second = (take(citizen, offer_id, id=number) for _ in range(2))
    another = take(citizen, offer_id, id=str(uuid4()))

    assert told(locked) == (409, "offer-locked")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert first.json()["redemption_id"] == number
    assert told(another) == (409, "offer-limit-reached")


def test_an_id_is_good_for_one_redemption(
    manager: Client, people: Callable[[], Client], place: Place
) -> None:
    """Neither another person's, nor of another offer, nor a code's."""
    mine, theirs = people(), people()
    for phone in (mine, theirs):
        phone.post("/v1/check-ins", json=asking.check_in(place.id))
    one, other = (publish(manager, self_service(place.id)) for _ in range(2))
    waiting = ask_for_code(mine, publish(manager, offer(place.id))).json()["id"]
    number = str(uuid4())
    take(mine, one, id=number)

    refused = [
        take(theirs, one, id=number),
        take(mine, other, id=number),
        take(mine, other, id=waiting),
    ]

    assert [told(answer) for answer in refused] == [(409, "id-taken")] * 3


def test_each_offer_is_redeemed_in_its_own_way(
    manager: Client, citizen: Client, place: Place
) -> None:
    """No code for the one, no word for the other."""
    citizen.post("/v1/check-ins", json=asking.check_in(place.id))

    no_code = ask_for_code(citizen, publish(manager, self_service(place.id)))
    no_word = take(citizen, publish(manager, offer(place.id)))

    assert told(no_code) == told(no_word) == (409, "redeemed-otherwise")


def test_what_is_no_offer_is_not_found(manager: Client, citizen: Client, place: Place) -> None:
    """An event has an id too."""
    event_id = manager.post("/v1/listings", json=asking.listing(place.id, kind="event")).json()[
        "id"
    ]

    for number in (event_id, str(uuid4())):
        assert ask_for_code(citizen, number).status_code == 404
        assert take(citizen, number).status_code == 404
        assert manager.get(f"/v1/offers/{number}/redemptions").status_code == 404


def test_redemptions_come_in_pages(manager: Client, citizen: Client, place: Place) -> None:
    """Newest first, each once, codes that wait too."""
    offers = [publish(manager, offer(place.id, title=f"Offer {number}")) for number in range(3)]
    for offer_id in offers:
        code_of(citizen, offer_id)

    first = citizen.get("/v1/me/redemptions?limit=2").json()
    second = citizen.get(first["next"]).json()

    titles = [one["title"] for page in (first, second) for one in page["items"]]
    assert titles == ["Offer 2", "Offer 1", "Offer 0"]
    assert second["next"] is None
    assert {one["redeemed_at"] for one in first["items"]} == {None}


def test_withdrawing_the_consent_erases_redemptions_and_keeps_the_count(
    manager: Client, citizen: Client, session: Session, place: Place
) -> None:
    """A waiting code is worth nothing then, and its piece is free."""
    offer_id = publish(manager, offer(place.id, stock=2, per_person=2))
    scan(manager, code_of(citizen, offer_id))
    code = code_of(citizen, offer_id)

    citizen.delete("/v1/consents/check-in-content")

    assert session.scalars(select(Redemption)).all() == []
    assert told(scan(manager, code)) == (422, "redemption-code-unknown")
    counts = manager.get(f"/v1/offers/{offer_id}/redemptions").json()
    assert counts == {"redeemed": 1, "waiting": 0, "left": 1}


def test_erasing_staff_leaves_what_they_scanned(
    anyone: Client, manager: Client, citizen: Client, session: Session, place: Place
) -> None:
    """It is the other person's, without who scanned."""
    token = make_access_token(session, session.get_one(Organisation, place.organisation_id))
    session.commit()
    scan(with_token(anyone, token), code_of(citizen, publish(manager, offer(place.id))))
    scanner = session.scalars(select(Redemption.scanned_by)).one()

    session.delete(session.get_one(Person, scanner))
    session.commit()

    [left] = session.execute(select(Redemption.scanned_by, Redemption.redeemed_at)).all()
    assert left[0] is None
    assert left[1] is not None
