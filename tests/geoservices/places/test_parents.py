"""Places that are part of others: of one's own, and never of themselves."""

from collections.abc import Mapping
from threading import Thread
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.database import SessionFactory, transaction
from geoservices.errors import NotFound
from geoservices.places import parents
from geoservices.places.models import Place
from geoservices.places.parents import ParentRefused, makes_ring, set_parent
from tests.factories import make_organisation, make_place, may, share_place

IDS = [UUID(int=number) for number in range(6)]


@pytest.fixture
def devon(session: Session) -> Organisation:
    """An organisation with places."""
    return make_organisation(session)


def test_a_place_becomes_part_of_another_and_of_none(session: Session, devon: Organisation) -> None:
    """Saying it again changes nothing."""
    centre, library = make_place(session, devon), make_place(session, devon)

    for _ in range(2):
        assert set_parent(session, library.id, centre.id, grant=may(devon)).parent_id == centre.id
    assert set_parent(session, library.id, None, grant=may(devon)).parent_id is None


def test_a_place_is_never_part_of_itself(session: Session, devon: Organisation) -> None:
    """Not at once, and not by way of others."""
    centre, library, room = (make_place(session, devon, name=name) for name in "abc")
    set_parent(session, room.id, library.id, grant=may(devon))
    set_parent(session, library.id, centre.id, grant=may(devon))

    for place in (centre, library, room):
        with pytest.raises(ParentRefused, match=f"“{room.name}” is this place, or is part of it"):
            set_parent(session, place.id, room.id, grant=may(devon))
        if place is room:
            continue
        assert place.parent_id != room.id


def test_a_place_is_part_of_the_same_organisations(session: Session, devon: Organisation) -> None:
    """Not of a partner's that is shared, not of nothing; and nobody else says so."""
    partner = make_organisation(session, "exeter")
    library, theirs = make_place(session, devon), make_place(session, partner)
    share_place(session, theirs, devon)

    for parent_id in (theirs.id, UUID(int=1)):
        with pytest.raises(ParentRefused, match="has no such place"):
            set_parent(session, library.id, parent_id, grant=may(devon))
    with pytest.raises(NotFound):
        set_parent(session, theirs.id, library.id, grant=may(devon))


def test_two_at_once_make_no_ring(committed: SessionFactory) -> None:
    """Each makes its place part of the other's; the second waits, and is refused."""
    with transaction(committed) as session:
        devon = make_organisation(session)
        one, other = make_place(session, devon), make_place(session, devon)
    refused: list[ParentRefused] = []

    def work() -> None:
        try:
            with transaction(committed) as session:
                set_parent(session, other.id, one.id, grant=may(devon))
        except ParentRefused as error:
            refused.append(error)

    with committed() as first:
        set_parent(first, one.id, other.id, grant=may(devon))
        second = Thread(target=work)
        second.start()
        second.join(timeout=0.3)
        waited = second.is_alive()
        first.commit()
        second.join()

    assert waited
    assert len(refused) == 1
    with committed() as session:
        assert session.get_one(Place, other.id).parent_id is None


@given(st.dictionaries(st.sampled_from(IDS), st.sampled_from(IDS)))
def test_rings_are_found_before_they_close(wanted: Mapping[UUID, UUID]) -> None:
    """Whatever is asked for in turn, every place has an end above it."""
    above: dict[UUID, UUID] = {}
    for place_id, parent_id in wanted.items():
        if not makes_ring(above, place_id, parent_id):
            above[place_id] = parent_id

    for place_id in IDS:
        steps, here = 0, above.get(place_id)
        while here is not None and steps <= len(IDS):
            steps, here = steps + 1, above.get(here)
        assert here is None


def test_imported_places_are_linked_by_their_external_ids(
    session: Session, devon: Organisation
) -> None:
    """Those that cannot be are named with the reason, and left as they are."""
    places = {one.external_id: one for one in (make_place(session, devon) for _ in range(3))}
    first, second, third = places

    refused = parents.link(
        session, devon.id, "tests", {first: second, second: third, third: first, "x": "y"}
    )

    session.expire_all()
    assert places[first].parent_id == places[second].id
    assert places[second].parent_id == places[third].id
    assert places[third].parent_id is None
    assert refused == {
        third: f"{first!r} is this place, or is part of it",
        "x": "there is no place 'y' of this source to be part of",
    }
