"""Two who change at the same time what only one of them may."""

from collections.abc import Callable
from datetime import datetime, timedelta
from queue import Queue
from threading import Thread
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.access.rights import Right, Role
from geoservices.accounts.admins import LastAdmin
from geoservices.accounts.models import Person, SignIn, SignInKind
from geoservices.accounts.service import sign_in
from geoservices.checkins.verification import Evidence
from geoservices.database import SessionFactory, transaction
from geoservices.erasures.service import erase_oneself
from geoservices.listings import service as listings
from geoservices.listings.models import ListingKind
from geoservices.listings.service import ListingDraft
from geoservices.members.service import change_member
from geoservices.oidc.models import Identity
from geoservices.oidc.service import welcome
from geoservices.settings.providers import ProviderSettings
from geoservices.sharing import Ended, end_share
from tests.factories import NOON, make_organisation, make_person, make_place, may, share_place
from tests.writing import SETTINGS

PROVIDER = ProviderSettings.model_validate(
    {
        "slug": "devon",
        "name": "Devon",
        "organisation": "devon",
        "issuer": "https://login.devon.example",
        "client_id": "geoservices",
        "client_secret": "open sesame",
        "roles": {"council-it": "admin", "staff": "staff"},
    }
)


def while_another_waits(
    sessions: SessionFactory,
    first: Callable[[Session], object],
    second: Callable[[Session], object],
) -> object:
    """Do the first, start the second before that is committed, and return what comes of it."""
    came: Queue[object] = Queue()

    def run() -> None:
        try:
            with transaction(sessions) as session:
                came.put(second(session))
        except LastAdmin as refused:
            came.put(refused)

    with transaction(sessions) as session:
        first(session)
        session.flush()
        other = Thread(target=run)
        other.start()
        other.join(timeout=0.5)
        assert other.is_alive()
    other.join(timeout=10)
    return came.get(timeout=1)


def test_two_admins_cannot_demote_each_other_at_once(committed: SessionFactory) -> None:
    """The one who comes second finds that they are the last."""
    with transaction(committed) as session:
        devon = make_organisation(session)
        admins = [make_person(session, organisation=devon) for _ in range(2)]
        for admin in admins:
            admin.role = Role.ADMIN
        grant = may(devon, Right.MEMBERS_WRITE)
        ids = [admin.id for admin in admins]

    def demoting(person_id: UUID) -> Callable[[Session], Person]:
        changes = {"role": Role.STAFF}
        return lambda session: change_member(session, person_id, changes, grant=grant, at=NOON)

    came = while_another_waits(committed, demoting(ids[0]), demoting(ids[1]))

    assert isinstance(came, LastAdmin)
    with committed() as session:
        assert [session.get_one(Person, id_).role for id_ in ids] == [Role.STAFF, Role.ADMIN]


def test_two_admins_cannot_go_at_once(committed: SessionFactory) -> None:
    """By whatever way: one has themselves erased, the other's provider makes them staff."""
    claims = {"sub": "anna", "groups": ["council-it"]}
    with transaction(committed) as session:
        devon = make_organisation(session)
        goes = make_person(session, organisation=devon)
        goes.role = Role.ADMIN
        sign_in, _token = sign_in_by_token(session, goes)
        welcome(session, PROVIDER, claims, lifetime=timedelta(1), at=NOON)
        stays = session.scalars(select(Identity.person_id)).one()

    came = while_another_waits(
        committed,
        lambda session: erase_oneself(
            session, session.get_one(Person, goes.id), sign_in, settings=SETTINGS, at=NOON
        ),
        lambda session: welcome(
            session, PROVIDER, {**claims, "groups": ["staff"]}, lifetime=timedelta(1), at=NOON
        ),
    )

    assert isinstance(came, str)
    with committed() as session:
        assert session.get_one(Person, goes.id).disabled_at == NOON
        assert session.get_one(Person, stays).role == Role.ADMIN


def test_the_last_admin_cannot_have_themselves_erased(session: Session) -> None:
    """Nobody could let anyone in again; once there is another, they can."""
    devon = make_organisation(session)
    last, other = (make_person(session, organisation=devon) for _ in range(2))
    last.role = Role.ADMIN
    sign_in, _token = sign_in_by_token(session, last)

    with pytest.raises(LastAdmin):
        erase_oneself(session, last, sign_in, settings=SETTINGS, at=NOON)
    before = last.disabled_at
    other.role = Role.ADMIN
    erase_oneself(session, last, sign_in, settings=SETTINGS, at=NOON)
    session.refresh(last)

    assert (before, last.disabled_at) == (None, NOON)


def sign_in_by_token(session: Session, person: Person) -> tuple[SignIn, str]:
    """Let somebody in at noon."""
    return sign_in(
        session,
        person.id,
        kind=SignInKind.TOKEN,
        label="test",
        lifetime=timedelta(days=1),
        at=NOON,
    )


def test_what_a_partner_is_just_publishing_ends_with_the_sharing(
    committed: SessionFactory,
) -> None:
    """Whoever ends it waits until it is there, and finds it."""
    with transaction(committed) as session:
        devon, exeter = make_organisation(session), make_organisation(session, "exeter")
        place = make_place(session, devon)
        share_place(session, place, exeter)
        owner, guest = may(devon, Right.PLACES_SHARE), may(exeter, Right.LISTINGS_WRITE)
        place_id = place.id

    came = while_another_waits(
        committed,
        lambda session: publish(session, place_id, guest, at=NOON),
        lambda session: end_share(session, place_id, "exeter", grant=owner, at=NOON),
    )

    assert came == Ended(listings=1, campaigns=0, codes=0)


def publish(session: Session, place_id: UUID, grant: Grant, *, at: datetime) -> None:
    """Put an offer on."""
    draft = ListingDraft(
        place_id=place_id,
        kind=ListingKind.OFFER,
        title="Free hot drink",
        text="",
        evidence_needed=Evidence.SELF_DECLARED,
        starts_at=NOON,
        ends_at=None,
    )
    listings.publish_listing(session, draft, listing_id=None, grant=grant, at=at)
