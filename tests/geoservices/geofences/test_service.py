"""Geofences made, replaced, deleted and listed, on real PostGIS."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import numpy as np
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.errors import ErrorKind, IdTaken, NotFound
from geoservices.geofences import queries
from geoservices.geofences.service import (
    DraftRefused,
    GeofenceDraft,
    RevisionMismatch,
    area_of,
    create_geofence,
    delete_geofence,
    get_geofence,
    list_geofences,
    replace_geofence,
)
from geoservices.geofences.watched import keys
from geoservices.geometry.areas import Circle, Polygonal
from geoservices.geometry.boxes import BboxRefused
from geoservices.geometry.position import Position
from tests.factories import NOON, make_organisation, make_place, may

LATER = NOON + timedelta(hours=1)
SQUARE = Polygonal(shapely.MultiPolygon([shapely.box(-3.531, 50.724, -3.529, 50.726)]))
CIRCLE = Circle(Position(lon=-3.53017, lat=50.72441), 123.4)


@pytest.fixture
def devon(session: Session) -> Organisation:
    """An organisation."""
    return make_organisation(session)


@pytest.fixture
def draft(session: Session, devon: Organisation) -> GeofenceDraft:
    """A square to be watched at a place of Devon's."""
    place = make_place(session, devon)
    return GeofenceDraft(id=uuid4(), place_id=place.id, name="Square", area=SQUARE)


def test_a_square_is_kept_to_the_last_bit(
    session: Session, devon: Organisation, draft: GeofenceDraft
) -> None:
    """What is read back is what was drawn; the database gave it a revision."""
    odd = Polygonal(
        shapely.MultiPolygon([shapely.Polygon([(0.1 + 0.2, 1 / 3), (1 / 7, 2 / 3), (1e-7, 0.1)])])
    )

    geofence = create_geofence(session, replace(draft, area=odd), grant=may(devon), at=NOON)

    assert area_of(geofence) == odd
    assert geofence.revision == queries.revision(session) > 0
    assert geofence.imported is False


def test_a_circle_keeps_its_real_centre_and_radius(
    session: Session, devon: Organisation, draft: GeofenceDraft
) -> None:
    """Beside a polygon whose vertices lie at the radius, by PostGIS's geodesics."""
    for lat in (-50.0, 0.0, 50.72441, 70.0):
        circle = Circle(Position(lon=179.9, lat=lat), 20_000.0)
        geofence = create_geofence(
            session, replace(draft, id=None, area=circle), grant=may(devon), at=NOON
        )

        apart = session.execute(
            text(
                "SELECT ST_X(v.geom), ST_Distance(centre, v.geom::geography) "
                "FROM geofences, ST_DumpPoints(area::geometry) v WHERE id = :id"
            ),
            {"id": geofence.id},
        ).all()

        assert area_of(geofence) == circle
        apart_m = np.array([metres for lon, metres in apart if abs(lon) < 180])
        np.testing.assert_allclose(apart_m, 20_000.0, rtol=1e-3)


def test_the_same_again_changes_nothing(
    session: Session, devon: Organisation, draft: GeofenceDraft
) -> None:
    """A client may repeat what it got no answer to; circle or square."""
    for area in (SQUARE, CIRCLE):
        same = replace(draft, id=uuid4(), area=area)
        first = create_geofence(session, same, grant=may(devon), at=NOON)
        revision = queries.revision(session)

        second = create_geofence(session, same, grant=may(devon), at=LATER)

        assert second.id == first.id
        assert second.created_at == NOON
        assert second.revision == first.revision == revision == queries.revision(session)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"name": "Other"}, id="another name"),
        pytest.param({"area": CIRCLE}, id="another area"),
        pytest.param({"margin_m": 1.0}, id="another margin"),
        pytest.param({"dwell_after": timedelta(minutes=6)}, id="another dwell time"),
        pytest.param({"enabled": False}, id="switched off"),
    ],
)
def test_an_id_is_for_one_content(
    session: Session, devon: Organisation, draft: GeofenceDraft, change: dict[str, object]
) -> None:
    """Other content under a known id is a conflict, not an overwriting."""
    create_geofence(session, draft, grant=may(devon), at=NOON)

    with pytest.raises(IdTaken):
        create_geofence(
            session,
            replace(draft, **change),  # type: ignore[arg-type]
            grant=may(devon),
            at=NOON,
        )


def test_a_circle_of_another_radius_is_another_circle(
    session: Session, devon: Organisation, draft: GeofenceDraft
) -> None:
    """Its centre and radius are compared, not the polygon drawn for them alone."""
    create_geofence(session, replace(draft, area=CIRCLE), grant=may(devon), at=NOON)

    with pytest.raises(IdTaken):
        create_geofence(
            session,
            replace(draft, area=replace(CIRCLE, radius_m=123.5)),
            grant=may(devon),
            at=NOON,
        )


def test_the_id_of_a_deleted_geofence_is_taken(
    session: Session, devon: Organisation, draft: GeofenceDraft
) -> None:
    """A late repetition of the creation does not bring it back."""
    geofence = create_geofence(session, draft, grant=may(devon), at=NOON)
    delete_geofence(session, geofence.id, grant=may(devon), at=NOON)

    with pytest.raises(IdTaken):
        create_geofence(session, draft, grant=may(devon), at=NOON)


def test_another_organisation_sees_and_touches_nothing(
    session: Session, devon: Organisation, draft: GeofenceDraft
) -> None:
    """Neither its places nor its geofences."""
    kent = make_organisation(session, "kent")
    geofence = create_geofence(session, draft, grant=may(devon), at=NOON)

    with pytest.raises(NotFound, match="place"):
        create_geofence(session, draft, grant=may(kent), at=NOON)
    with pytest.raises(NotFound, match="geofence"):
        get_geofence(session, geofence.id, grant=may(kent))
    with pytest.raises(NotFound, match="geofence"):
        delete_geofence(session, geofence.id, grant=may(kent), at=NOON)
    with pytest.raises(NotFound, match="geofence"):
        replace_geofence(
            session,
            geofence.id,
            replace(draft, place_id=make_place(session, kent).id),
            grant=may(kent),
            expected_revision=None,
            at=NOON,
        )
    assert list_geofences(session, may(kent)) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"margin_m": -1.0}, "/margin_m"),
        ({"margin_m": 1001.0}, "/margin_m"),
        ({"margin_m": float("nan")}, "/margin_m"),
        ({"dwell_after": timedelta(seconds=-1)}, "/dwell_after"),
        ({"dwell_after": timedelta(days=2)}, "/dwell_after"),
    ],
)
def test_numbers_out_of_range_are_refused(
    session: Session,
    devon: Organisation,
    draft: GeofenceDraft,
    change: dict[str, object],
    field: str,
) -> None:
    """Before the database has to."""
    with pytest.raises(DraftRefused) as refused:
        create_geofence(
            session,
            replace(draft, **change),  # type: ignore[arg-type]
            grant=may(devon),
            at=NOON,
        )

    assert refused.value.field == field


def test_replacing_changes_everything_and_the_revision(
    session: Session, devon: Organisation, draft: GeofenceDraft
) -> None:
    """A square becomes a circle that is switched off, and a square again."""
    first = create_geofence(session, draft, grant=may(devon), at=NOON)
    known = first.revision
    circle = replace(draft, name="Circle", area=CIRCLE, margin_m=10.0, enabled=False)

    second = replace_geofence(
        session, first.id, circle, grant=may(devon), expected_revision=known, at=LATER
    )

    assert (second.name, second.margin_m, second.disabled_at) == ("Circle", 10.0, LATER)
    assert area_of(second) == CIRCLE
    assert second.revision > known
    third = replace_geofence(
        session, first.id, draft, grant=may(devon), expected_revision=None, at=LATER
    )
    assert (third.centre, third.radius_m, third.disabled_at) == (None, None, None)
    assert area_of(third) == SQUARE


def test_replacing_by_the_same_changes_nothing(
    session: Session, devon: Organisation, draft: GeofenceDraft
) -> None:
    """The revision stays, so a repeated request still fits."""
    geofence = create_geofence(session, draft, grant=may(devon), at=NOON)
    revision = geofence.revision

    again = replace_geofence(
        session, geofence.id, draft, grant=may(devon), expected_revision=revision, at=LATER
    )

    assert again.revision == revision == queries.revision(session)
    assert get_geofence(session, geofence.id, grant=may(devon)) is again


def test_two_managers_do_not_overwrite_each_other(
    session: Session, devon: Organisation, draft: GeofenceDraft
) -> None:
    """The second is told which revision there is by now."""
    geofence = create_geofence(session, draft, grant=may(devon), at=NOON)
    known = geofence.revision
    changed = replace(draft, name="First")
    replace_geofence(
        session, geofence.id, changed, grant=may(devon), expected_revision=known, at=NOON
    )

    with pytest.raises(RevisionMismatch) as refused:
        replace_geofence(
            session,
            geofence.id,
            replace(draft, name="Second"),
            grant=may(devon),
            expected_revision=known,
            at=NOON,
        )

    assert (refused.value.kind, refused.value.code) == (ErrorKind.PRECONDITION, "geofence-changed")
    assert refused.value.extra() == {"revision": queries.revision(session)}


def test_deleting_twice_is_deleting_once(
    session: Session, devon: Organisation, draft: GeofenceDraft
) -> None:
    """It is gone from every list; the row stays for its history."""
    geofence = create_geofence(session, draft, grant=may(devon), at=NOON)

    delete_geofence(session, geofence.id, grant=may(devon), at=NOON)
    revision = queries.revision(session)
    delete_geofence(session, geofence.id, grant=may(devon), at=LATER)

    kept = queries.by_id(session, geofence.id)
    assert kept is not None
    assert kept.deleted_at == NOON
    assert queries.revision(session) == revision
    assert list_geofences(session, may(devon)) == []
    with pytest.raises(NotFound):
        get_geofence(session, geofence.id, grant=may(devon))
    with pytest.raises(NotFound):
        replace_geofence(
            session,
            geofence.id,
            draft,
            grant=may(devon),
            expected_revision=None,
            at=NOON,
        )
    with pytest.raises(NotFound):
        delete_geofence(session, uuid4(), grant=may(devon), at=NOON)


def test_lists_come_in_pages_of_ids(
    session: Session, devon: Organisation, draft: GeofenceDraft
) -> None:
    """Disabled geofences are listed too; each page goes on after the last id."""
    made = [
        create_geofence(
            session,
            replace(draft, id=None, enabled=number % 2 == 0),
            grant=may(devon),
            at=NOON,
        ).id
        for number in range(5)
    ]

    pages: list[list[UUID]] = []
    after: UUID | None = None
    while page := list_geofences(session, may(devon), after=after, limit=2):
        pages.append([geofence.id for geofence in page])
        after = page[-1].id

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [one for page in pages for one in page] == sorted(made)


def test_lists_narrow_to_a_place_or_a_box(
    session: Session, devon: Organisation, draft: GeofenceDraft
) -> None:
    """Boxes may cross the antimeridian; a box the wrong way up is refused."""
    taveuni = make_place(session, devon, name="Taveuni", at=(179.99, -16.8))
    here = create_geofence(session, draft, grant=may(devon), at=NOON)
    there = create_geofence(
        session,
        GeofenceDraft(
            place_id=taveuni.id,
            name="across",
            area=Circle(Position(lon=179.99, lat=-16.8), 5_000.0),
        ),
        grant=may(devon),
        at=NOON,
    )

    def found(**wanted: object) -> list[UUID]:
        listed = list_geofences(session, may(devon), **wanted)  # type: ignore[arg-type]
        return [geofence.id for geofence in listed]

    assert found(place_id=taveuni.id) == [there.id]
    assert found(bbox=(-3.54, 50.72, -3.53, 50.73)) == [here.id]
    assert found(bbox=(177.0, -20.0, -178.0, -16.0)) == [there.id]
    assert found(bbox=(-179.99, -17.0, -179.0, -16.0)) == [there.id]
    assert found(bbox=(-178.0, -20.0, 177.0, -16.0)) == []
    assert set(found(bbox=(-180.0, -90.0, 180.0, 90.0))) == {here.id, there.id}
    with pytest.raises(BboxRefused):
        found(bbox=(0.0, 2.0, 1.0, 1.0))


def test_a_process_learns_what_changed_since_a_revision(
    session: Session, devon: Organisation, draft: GeofenceDraft
) -> None:
    """New and changed ones in full; of those no longer watched, that they are gone."""
    start = queries.revision(session)
    square = create_geofence(session, draft, grant=may(devon), at=NOON)
    circle = create_geofence(
        session, replace(draft, id=None, area=CIRCLE), grant=may(devon), at=NOON
    )
    off = create_geofence(
        session, replace(draft, id=None, enabled=False), grant=may(devon), at=NOON
    )

    [changed] = queries.changed_since(session, start)

    made = dict(zip(map(tuple, changed.ids.tolist()), changed.watched.tolist(), strict=True))
    [key_of_square, key_of_circle, key_of_off] = keys([square.id, circle.id, off.id]).tolist()
    assert made == {
        tuple(key_of_square): True,
        tuple(key_of_circle): True,
        tuple(key_of_off): False,
    }
    [is_circle] = np.flatnonzero(changed.radius_m == 123.4)
    assert changed.centres[is_circle].tolist() == [-3.53017, 50.72441]
    assert changed.places.tolist() == keys([draft.place_id] * 2).tolist()
    assert changed.organisations.tolist() == keys([devon.id] * 2).tolist()
    assert changed.dwell_after_s.tolist() == [300.0, 300.0]
    middle = queries.revision(session)
    delete_geofence(session, square.id, grant=may(devon), at=NOON)
    [gone] = queries.changed_since(session, middle)
    assert (gone.ids.tolist(), gone.watched.tolist()) == ([key_of_square], [False])
    assert list(queries.changed_since(session, queries.revision(session))) == []
