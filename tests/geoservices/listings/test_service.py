"""Listings: published once, changed, withdrawn, and shown to whom they are for."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation
from geoservices.checkins.verification import Evidence
from geoservices.errors import IdTaken, NotFound
from geoservices.events.drafts import EventDraft
from geoservices.events.models import Event
from geoservices.listings import queries
from geoservices.listings.drafts import EndsBeforeStart, ListingDraft, YearRefused
from geoservices.listings.models import ListingKind
from geoservices.listings.service import (
    get_listing,
    here_for,
    publish_listing,
    replace_listing,
    withdraw_listing,
)
from geoservices.offers.drafts import OfferDraft
from geoservices.places.models import Place
from tests.factories import NOON, make_listing, make_organisation, make_place, may

HOUR = timedelta(hours=1)


@pytest.fixture
def organisation(session: Session) -> Organisation:
    """Devon."""
    return make_organisation(session)


@pytest.fixture
def place(session: Session, organisation: Organisation) -> Place:
    """A library of Devon's."""
    return make_place(session, organisation)


@pytest.fixture
def draft(place: Place) -> ListingDraft:
    """An offer at the library."""
    return OfferDraft(
        place_id=place.id,
        kind=ListingKind.OFFER,
        title="Free hot drink",
        text="Show this at the desk.",
        evidence_needed=Evidence.NEAR,
        starts_at=NOON,
        ends_at=NOON + timedelta(hours=2),
    )


def test_publishing_again_changes_nothing(
    session: Session, organisation: Organisation, draft: ListingDraft
) -> None:
    """The same id and content returns the first."""
    id_ = uuid4()

    made, new = publish_listing(session, draft, listing_id=id_, grant=may(organisation), at=NOON)
    same, again = publish_listing(session, draft, listing_id=id_, grant=may(organisation), at=NOON)

    assert (new, again) == (True, False)
    assert same is made


def test_an_id_with_other_content_is_taken(
    session: Session, organisation: Organisation, draft: ListingDraft
) -> None:
    """Nothing is overwritten by accident."""
    made, _ = publish_listing(session, draft, listing_id=None, grant=may(organisation), at=NOON)

    with pytest.raises(IdTaken):
        publish_listing(
            session,
            replace(draft, title="Free tea"),
            listing_id=made.id,
            grant=may(organisation),
            at=NOON,
        )


@pytest.mark.parametrize("ends_at", [NOON, NOON - timedelta(seconds=1)])
def test_it_must_end_after_it_starts(
    session: Session, organisation: Organisation, draft: ListingDraft, ends_at: datetime
) -> None:
    """When published and when replaced."""
    wrong = replace(draft, ends_at=ends_at)
    made, _ = publish_listing(session, draft, listing_id=None, grant=may(organisation), at=NOON)

    with pytest.raises(EndsBeforeStart):
        publish_listing(session, wrong, listing_id=None, grant=may(organisation), at=NOON)
    with pytest.raises(EndsBeforeStart):
        replace_listing(session, made.id, wrong, grant=may(organisation), at=NOON)


@pytest.mark.parametrize("year", [1, 1969, 2200, 9999])
@pytest.mark.parametrize("name", ["starts_at", "ends_at"])
def test_it_takes_place_in_our_age(
    session: Session, organisation: Organisation, draft: ListingDraft, name: str, year: int
) -> None:
    """Clocks of other zones could not tell the first and the last of all years."""
    said: dict[str, Any] = {name: NOON.replace(year=year)}
    wrong = replace(draft, **said)

    with pytest.raises(YearRefused) as refused:
        publish_listing(session, wrong, listing_id=None, grant=may(organisation), at=NOON)

    assert refused.value.field == f"/{name}"


def test_another_organisation_neither_sees_nor_touches_it(
    session: Session, organisation: Organisation, draft: ListingDraft
) -> None:
    """To them it does not exist, and neither does the place."""
    other = make_organisation(session, "torbay")
    made, _ = publish_listing(session, draft, listing_id=None, grant=may(organisation), at=NOON)

    with pytest.raises(NotFound):
        get_listing(session, made.id, grant=may(other))
    with pytest.raises(NotFound):
        replace_listing(session, made.id, draft, grant=may(other), at=NOON)
    with pytest.raises(NotFound):
        withdraw_listing(session, made.id, grant=may(other), at=NOON)
    with pytest.raises(NotFound):
        publish_listing(session, draft, listing_id=None, grant=may(other), at=NOON)


def test_it_can_be_changed_and_withdrawn_twice(
    session: Session, organisation: Organisation, draft: ListingDraft
) -> None:
    """The first withdrawal's time stays."""
    made, _ = publish_listing(session, draft, listing_id=None, grant=may(organisation), at=NOON)

    replace_listing(
        session, made.id, replace(draft, title="Free tea"), grant=may(organisation), at=NOON
    )
    for minute in (1, 2):
        withdraw_listing(
            session,
            made.id,
            grant=may(organisation),
            at=NOON + timedelta(minutes=minute),
        )

    assert made.title == "Free tea"
    assert made.withdrawn_at == NOON + timedelta(minutes=1)


def test_an_event_counts_its_changes(
    session: Session, organisation: Organisation, place: Place
) -> None:
    """To say or do the same again is none."""
    grant = may(organisation)
    draft = EventDraft(
        place_id=place.id,
        kind=ListingKind.EVENT,
        title="Story time",
        text="",
        evidence_needed=Evidence.SELF_DECLARED,
        starts_at=NOON,
        ends_at=None,
        length=HOUR,
    )
    made, _ = publish_listing(session, draft, listing_id=None, grant=grant, at=NOON)
    assert isinstance(made, Event)
    counted = [(made.revision, made.changed_at)]

    for hour, said in enumerate([draft, replace(draft, length=2 * HOUR), None, None], start=1):
        at = NOON + hour * HOUR
        if said is None:
            withdraw_listing(session, made.id, grant=grant, at=at)
        else:
            replace_listing(session, made.id, said, grant=grant, at=at)
        session.flush()
        counted.append((made.revision, made.changed_at))

    assert counted == [
        (0, None),
        (0, None),
        (1, NOON + 2 * HOUR),
        (2, NOON + 3 * HOUR),
        (2, NOON + 3 * HOUR),
    ]


@pytest.mark.parametrize(
    ("at", "withdrawn_at", "current"),
    [
        pytest.param(-1, None, False, id="before it starts"),
        pytest.param(0, None, True, id="when it starts"),
        pytest.param(7199, None, True, id="just before it ends"),
        pytest.param(7200, None, False, id="when it ends"),
        pytest.param(10, NOON, False, id="withdrawn"),
    ],
)
def test_it_is_on_from_start_until_end(
    session: Session,
    draft: ListingDraft,
    at: float,
    withdrawn_at: datetime | None,
    *,
    current: bool,
) -> None:
    """The row and the query give the same answer."""
    place = session.get_one(Place, draft.place_id)
    listing = make_listing(session, place)
    listing.starts_at, listing.ends_at = NOON, NOON + timedelta(hours=2)
    listing.withdrawn_at = withdrawn_at
    session.flush()
    moment = NOON + timedelta(seconds=at)

    found = queries.current_at(session, place.id, tasks_of=None, at=moment)

    assert listing.is_current(moment) is current
    assert ([one.id for one in found] == [listing.id]) is current


@pytest.mark.parametrize(
    ("role", "ours", "sees"),
    [
        pytest.param(Role.CITIZEN, False, ["offer"], id="a citizen"),
        pytest.param(Role.STAFF, True, ["offer", "task"], id="our staff"),
        pytest.param(Role.MANAGER, True, ["offer", "task"], id="our manager"),
        pytest.param(Role.STAFF, False, ["offer"], id="another council's staff"),
    ],
)
def test_tasks_are_for_the_organisations_staff(
    session: Session,
    organisation: Organisation,
    place: Place,
    role: Role,
    *,
    ours: bool,
    sees: list[str],
) -> None:
    """Offers and events are for everyone."""
    other = make_organisation(session, "torbay")
    make_listing(session, place, kind=ListingKind.OFFER)
    make_listing(session, place, kind=ListingKind.TASK)
    theirs = organisation.id if ours else other.id

    here = here_for(
        session,
        place.id,
        tasks_of=None if role is Role.CITIZEN else theirs,
        evidence=Evidence.INSIDE,
        at=NOON,
    )

    assert sorted(listing.kind for listing, _unlocked in here) == sees


@pytest.mark.parametrize("needed", Evidence)
@pytest.mark.parametrize("shown", Evidence)
def test_a_listing_unlocks_at_its_evidence_or_better(
    session: Session, place: Place, needed: Evidence, shown: Evidence
) -> None:
    """Below that it is shown and stays locked; a person's word is asked of nobody."""
    make_listing(session, place, evidence_needed=needed)

    [(_listing, unlocked)] = here_for(session, place.id, tasks_of=None, evidence=shown, at=NOON)

    open_to_all = needed.rank <= Evidence.SELF_DECLARED.rank
    assert unlocked is (open_to_all or shown.rank >= needed.rank)


def test_an_organisations_listings_are_read_page_by_page(
    session: Session, organisation: Organisation, place: Place
) -> None:
    """Newest first, withdrawn ones too, of one place if asked for."""
    made = []
    for minute in range(3):
        listing = make_listing(session, place)
        listing.created_at = NOON + timedelta(minutes=minute)
        made.append(listing)
    made[0].withdrawn_at = NOON
    make_listing(session, make_place(session, organisation, name="Crediton Library"))
    session.flush()

    page = queries.of_organisation(
        session, may(organisation), place_id=place.id, after=None, limit=2
    )
    rest = queries.of_organisation(
        session,
        may(organisation),
        place_id=place.id,
        after=(page[-1].created_at, page[-1].id),
        limit=2,
    )

    assert [one.id for one in [*page, *rest]] == [one.id for one in reversed(made)]
