"""Phone links and handed regions, on the real tables."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Device, Organisation
from geoservices.accounts.tokens import hash_token
from geoservices.errors import NotFound
from geoservices.geofences.models import Geofence
from geoservices.geometry.position import Position
from geoservices.phones import queries
from geoservices.phones.models import HandedRegions, PhoneApp, PhoneLink
from geoservices.phones.regions import REACH_RID, Region, rid_of
from geoservices.phones.service import (
    MOST_LINKS,
    AppDoesNotEncrypt,
    EncryptionUnavailable,
    Phone,
    authenticate_phone,
    key_of,
    link_phone,
    regions_for,
    revoke_link,
)
from geoservices.places.sensitivity import SensitiveKind
from geoservices.settings.presence import PhoneSettings
from tests.factories import (
    EXETER,
    NOON,
    make_device,
    make_geofence,
    make_organisation,
    make_person,
    make_place,
)

SETTINGS = PhoneSettings(secret=SecretStr("a secret of thirty-two or more characters"))
OWNTRACKS = PhoneApp.OWNTRACKS
HERE = Position(lon=EXETER[0], lat=EXETER[1])


@pytest.fixture
def device(session: Session) -> Device:
    """A citizen's phone."""
    return make_device(session, make_person(session))[0]


@pytest.fixture
def organisation(session: Session) -> Organisation:
    """Devon."""
    return make_organisation(session)


@pytest.fixture
def phone(device: Device) -> Phone:
    """Who speaks for it."""
    return Phone(device=device, token="gsp_token")


def link(session: Session, device: Device, app: PhoneApp = OWNTRACKS, **changes: Any) -> Any:
    """Make a link."""
    wanted = {"encrypted": False, "settings": SETTINGS, "at": NOON, **changes}
    return link_phone(session, device, app, **wanted)


def stand(session: Session, organisation: Organisation, *norths: float) -> list[Geofence]:
    """Put a small geofence with a place of its own at each latitude, degrees north of Exeter."""
    return [
        make_geofence(
            session,
            make_place(session, organisation, name=f"Place {north:g}"),
            at=(EXETER[0], EXETER[1] + north),
            half_deg=0.0002,
        )
        for north in norths
    ]


def given_to(
    session: Session,
    phone: Phone,
    position: Position = HERE,
    *,
    again: bool = False,
    limit: int = 20,
    at: datetime = NOON,
) -> list[Region] | None:
    """Ask what a phone shall watch."""
    settings = SETTINGS.model_copy(update={"max_regions": limit})
    return regions_for(session, phone, position, again=again, settings=settings, at=at)


def test_a_link_lets_in_one_app_and_is_kept_as_a_hash(session: Session, device: Device) -> None:
    """Neither another app, nor anybody once it or the device is revoked."""
    made = link(session, device)

    found = authenticate_phone(session, made.token, app=OWNTRACKS)
    assert found == Phone(device=device, token=made.token, link=made.link)
    assert made.token.startswith("gsp_")
    assert made.link.token_hash == hash_token(made.token)
    assert authenticate_phone(session, made.token, app=PhoneApp.TRACCAR) is None
    assert authenticate_phone(session, "gsp_other", app=OWNTRACKS) is None

    device.revoked_at = NOON
    session.flush()
    assert authenticate_phone(session, made.token, app=OWNTRACKS) is None


def test_a_revoked_link_is_worthless_and_stays_so(session: Session, device: Device) -> None:
    """Revoking again changes nothing; somebody else's is not to be found."""
    made = link(session, device)
    other = make_device(session, make_person(session))[0]

    with pytest.raises(NotFound):
        revoke_link(session, made.link.id, device=other, at=NOON)
    assert authenticate_phone(session, made.token, app=OWNTRACKS)

    for minutes in (0, 5):
        revoke_link(session, made.link.id, device=device, at=NOON + timedelta(minutes=minutes))
    assert authenticate_phone(session, made.token, app=OWNTRACKS) is None
    assert queries.links_of(session, device.id) == []
    assert session.scalars(select(PhoneLink.revoked_at)).one() == NOON


def test_of_too_many_links_the_oldest_ends(session: Session, device: Device) -> None:
    """So that a device cannot fill the table."""
    made = [
        link(session, device, at=NOON + timedelta(minutes=minute)).link.id
        for minute in range(MOST_LINKS + 2)
    ]

    assert [one.id for one in queries.links_of(session, device.id)] == made[2:]


def test_a_key_is_made_where_there_is_a_secret(session: Session, device: Device) -> None:
    """It can be made again from the link, and is not in the table."""
    made = link(session, device, encrypted=True)

    assert made.link.encrypted
    assert made.encryption_key == key_of(made.link.id, SETTINGS)
    assert link(session, device).encryption_key is None
    with pytest.raises(EncryptionUnavailable):
        link(session, device, encrypted=True, settings=PhoneSettings())
    with pytest.raises(AppDoesNotEncrypt):
        link(session, device, PhoneApp.OVERLAND, encrypted=True)
    assert len(queries.links_of(session, device.id)) == 2


def test_a_phone_is_given_the_nearest_once(
    session: Session, organisation: Organisation, phone: Phone
) -> None:
    """The nearest of all, whoever they belong to; the same again only if asked to."""
    near = stand(session, organisation, 0.0, 0.01)
    near += stand(session, make_organisation(session, "dorset"), 0.02)
    stand(session, organisation, 0.5)

    regions = given_to(session, phone, limit=3)

    assert regions is not None
    assert {region.rid for region in regions} == {rid_of(one.id) for one in near}
    assert {region.name for region in regions} == {"Place 0", "Place 0.01", "Place 0.02"}
    assert {region.radius_m for region in regions} == {100}
    assert given_to(session, phone, limit=3) is None
    assert given_to(session, phone, again=True, limit=3) == regions


def test_a_phone_that_moves_a_little_keeps_what_it_has(
    session: Session, organisation: Organisation, phone: Phone
) -> None:
    """A walk of 100 m in a town with a place every 220 m; 5 km on, others are near."""
    stand(session, organisation, *(number / 500 for number in range(40)))

    walked = [
        given_to(session, phone, Position(lon=EXETER[0], lat=EXETER[1] + 0.02 + step / 10_000))
        for step in range(10)
    ]
    far = given_to(session, phone, Position(lon=EXETER[0], lat=EXETER[1] + 0.07))

    assert sum(regions is not None for regions in walked) <= 2
    assert walked[0] is not None
    assert far is not None
    assert {one.rid for one in far} != {one.rid for one in walked[0]}


def test_a_change_of_a_geofence_reaches_the_phone(
    session: Session, organisation: Organisation, phone: Phone
) -> None:
    """Moved, switched off or deleted; when none is left, that too."""
    first, second = stand(session, organisation, 0.0, 0.01)
    given_to(session, phone)

    first.margin_m = 500
    session.flush()
    [moved, _other] = sorted(given_to(session, phone) or [], key=lambda one: -one.radius_m)
    first.disabled_at = NOON
    session.flush()
    [left] = given_to(session, phone) or []
    second.deleted_at = NOON
    session.flush()

    assert moved.radius_m > 500
    assert left.rid == rid_of(second.id)
    assert given_to(session, phone) == []
    assert given_to(session, phone) is None


def test_within_a_cell_nothing_is_looked_for(
    session: Session, organisation: Organisation, phone: Phone, statements: list[str]
) -> None:
    """Until a geofence changes, or a day has passed: a place may have become sensitive."""
    stand(session, organisation, *(number / 500 for number in range(30)))
    given_to(session, phone)

    def looked(**changes: Any) -> bool:
        statements.clear()
        assert given_to(session, phone, **changes) is None
        return any("<->" in statement for statement in statements)

    assert not looked()
    assert looked(at=NOON + timedelta(days=1))
    far = stand(session, organisation, 0.9)[0]
    assert far.revision
    assert looked()
    assert not looked()


def test_sensitive_places_are_not_named(
    session: Session, organisation: Organisation, phone: Phone
) -> None:
    """A clinic has no business on the list of a phone that somebody else may look at."""
    clinic, library = stand(session, organisation, 0.0, 0.01)
    place = session.get_one(type(make_place(session, organisation)), clinic.place_id)
    place.sensitive_at, place.sensitive_kind = NOON, SensitiveKind.CLINIC
    session.flush()

    assert [one.rid for one in given_to(session, phone) or []] == [rid_of(library.id)]


def test_a_phone_of_places_only_also_watches_how_far_it_goes(
    session: Session, organisation: Organisation, phone: Phone
) -> None:
    """It sends no positions, so leaving that circle is what makes it ask for other places."""
    stand(session, organisation, 0.0, 0.01, 0.02, 0.03)
    phone.device.places_only = True

    crowded = given_to(session, phone, limit=3) or []
    roomy = given_to(session, phone, limit=10) or []

    assert [one.rid for one in crowded].count(REACH_RID) == 1
    assert len(crowded) == 3
    assert REACH_RID not in {one.rid for one in roomy}
    assert len(roomy) == 4


def test_what_is_remembered_says_nothing_without_the_token(
    session: Session, organisation: Organisation, phone: Phone
) -> None:
    """32 bytes; the same places leave another mark for another token."""
    stand(session, organisation, 0.0)
    given_to(session, phone)
    first = session.scalars(select(HandedRegions.mark)).one()

    assert given_to(session, replace(phone, token="gsp_another")) is not None
    session.expire_all()
    assert session.scalars(select(HandedRegions.mark)).one() != first
    assert queries.forget_marks(session, phone.device.id)
    assert not queries.forget_marks(session, phone.device.id)
