"""The index a process holds stays true to the table."""

from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread
from uuid import UUID, uuid4

import numpy as np
import pytest
import shapely
from geoalchemy2.shape import from_shape, to_shape
from shapely import MultiPolygon, Point, Polygon, box
from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from geoservices.database import SessionFactory, transaction
from geoservices.geofences import queries
from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.live import LiveGeofences
from geoservices.geofences.models import Geofence
from geoservices.geofences.watched import Watched, keys
from geoservices.places.models import Place
from tests.factories import EXETER, NOON, make_geofence, make_organisation, make_place


@pytest.fixture
def place(session: Session) -> Place:
    """A place in the test's own transaction."""
    return make_place(session, make_organisation(session))


@pytest.fixture
def real_place(committed: SessionFactory) -> UUID:
    """A place that every connection sees."""
    with transaction(committed) as session:
        return make_place(session, make_organisation(session)).id


def place_of(session: Session, place_id: UUID) -> Place:
    """The same place in another session."""
    return session.get_one(Place, place_id)


def margin_of(index: GeofenceIndex, geofence: Geofence) -> float:
    """The margin that the index knows of."""
    number = index.number_of(geofence.id)
    assert number is not None
    return index.watched(number).margin_m


def watched_ids(index: GeofenceIndex) -> set[UUID]:
    """Every geofence that the index watches."""
    return {index.watched(number).id for number in index.numbers().tolist()}


def test_nothing_is_read_again_while_nothing_changes(session: Session, place: Place) -> None:
    """The same index serves until the revision moves."""
    make_geofence(session, place)
    live = LiveGeofences()

    first = live.current(session)

    assert live.current(session) is first
    assert first.revision == queries.revision(session)


def test_only_what_changed_is_read_again(
    session: Session, place: Place, statements: list[str]
) -> None:
    """One of three is redrawn: one row is read, and the other two stay."""
    one, two, three = (make_geofence(session, place) for _ in range(3))
    live = LiveGeofences()
    before = live.current(session)
    two.margin_m = 25.0
    session.flush()
    statements.clear()

    [changed] = queries.changed_since(session, before.revision)
    after = live.current(session)

    assert changed.ids.tolist() == keys([two.id]).tolist()
    assert margin_of(after, two) == 25.0
    for same in (one, three):
        assert margin_of(after, same) == margin_of(before, same) == 0.0
    assert len(statements) == 3


def test_what_is_read_is_what_was_stored(session: Session, place: Place) -> None:
    """Holes, islands, circles, rules of its own: as Shapely reads the same rows."""
    rules = {"reach_m": 50.0}
    square, own = make_geofence(session, place), make_geofence(session, place, presence=rules)
    circle, off = (make_geofence(session, place, margin_m=12.5) for _ in range(2))
    holed = make_geofence(session, place, dwell_after=timedelta(seconds=90.5))
    lon, lat = EXETER
    well = box(lon, lat, lon + 0.0005, lat + 0.0005)
    yard = box(lon - 0.001, lat - 0.001, lon + 0.001, lat + 0.001)
    yard = Polygon(yard.exterior, [well.exterior])
    island = box(lon + 0.002, lat, lon + 0.003, lat + 0.001)
    drawn = MultiPolygon([yard, island])
    holed.area = from_shape(drawn, srid=4326)
    circle.centre, circle.radius_m = from_shape(Point(lon, lat), srid=4326), 123.4
    off.disabled_at = NOON
    session.flush()

    index = LiveGeofences().current(session)

    stored = {one.id: as_stored(one) for one in (square, own, circle, holed)}
    assert sorted(index.ids()) == sorted(stored)
    of_shapely = GeofenceIndex(list(stored.values()), revision=0)
    for id_, expected in stored.items():
        [number], [same] = index.numbers_of([id_]).tolist(), of_shapely.numbers_of([id_]).tolist()
        assert index.watched(number) == replace(expected, area=None)
        assert index.sizes_m()[number] == of_shapely.sizes_m()[same]
        random = np.random.default_rng(1)
        at = lon + random.normal(0, 0.002, 500), lat + random.normal(0, 0.002, 500)
        pairs = np.arange(500), np.full(500, number)
        metres = index.distances_m(*at, *pairs)
        assert np.array_equal(metres, of_shapely.distances_m(*at, pairs[0], np.full(500, same)))
        if expected.area is not None:
            assert np.array_equal(metres <= 0.0, shapely.intersects_xy(expected.area, *at))


def as_stored(geofence: Geofence) -> Watched:
    """The row through Shapely, an object for each."""
    centre = None if geofence.centre is None else to_shape(geofence.centre)
    area = to_shape(geofence.area)
    assert isinstance(area, MultiPolygon)
    return Watched(
        id=geofence.id,
        place_id=geofence.place_id,
        organisation_id=geofence.organisation_id,
        dwell_after=geofence.dwell_after,
        margin_m=geofence.margin_m,
        area=None if centre else area,
        centre=(centre.x, centre.y) if isinstance(centre, Point) else None,
        radius_m=geofence.radius_m,
        overrides=tuple(geofence.presence.items()),
    )


def test_an_index_in_use_never_changes(session: Session, place: Place) -> None:
    """Whoever holds the old one goes on with it undisturbed."""
    geofence = make_geofence(session, place)
    live = LiveGeofences()
    before = live.current(session)
    geofence.deleted_at = NOON
    session.flush()

    after = live.current(session)

    assert before.number_of(geofence.id) is not None
    assert after.number_of(geofence.id) is None


@pytest.mark.parametrize("column", ["disabled_at", "deleted_at"])
def test_what_is_switched_off_disappears_and_what_is_switched_on_comes_back(
    session: Session, place: Place, column: str
) -> None:
    """Disabled and deleted geofences are watched no more."""
    geofence = make_geofence(session, place)
    live = LiveGeofences()
    live.current(session)

    setattr(geofence, column, NOON)
    session.flush()
    gone = live.current(session)
    setattr(geofence, column, None)
    session.flush()
    back = live.current(session)

    assert watched_ids(gone) == set()
    assert watched_ids(back) == {geofence.id}


def test_every_way_of_writing_moves_the_revision(session: Session, place: Place) -> None:
    """The database counts: inserts, updates, and statements that touch many rows."""
    geofence = make_geofence(session, place)
    others = [make_geofence(session, place) for _ in range(3)]
    seen = [queries.revision(session)]

    session.execute(update(Geofence).where(Geofence.id == geofence.id).values(name="a"))
    seen.append(queries.revision(session))
    session.execute(update(Geofence).values(name="b"))
    seen.append(queries.revision(session))
    copied = select(*(c for c in Geofence.__table__.columns if c.name not in {"id", "revision"}))
    columns = ["id", *(column.name for column in copied.selected_columns)]
    session.execute(
        insert(Geofence).from_select(
            columns, select(text("gen_random_uuid()"), *copied.selected_columns)
        )
    )
    seen.append(queries.revision(session))

    assert seen == sorted(set(seen))
    rows = session.scalars(
        select(Geofence.revision).where(Geofence.id.in_([one.id for one in [geofence, *others]]))
    )
    assert set(rows) == {seen[2]}
    assert set(session.scalars(select(Geofence.revision).where(Geofence.revision > seen[2]))) == {
        seen[3]
    }


def test_another_process_sees_what_was_committed_and_nothing_before(
    committed: SessionFactory, real_place: UUID
) -> None:
    """A ping that comes after the commit is never matched without the new geofence."""
    live = LiveGeofences()
    with committed() as writer, committed() as reader:
        geofence = make_geofence(writer, place_of(writer, real_place))
        unseen = live.current(reader)
        writer.commit()

        seen = live.current(reader)

    assert unseen.number_of(geofence.id) is None
    assert seen.number_of(geofence.id) is not None


def test_a_rollback_loses_no_change(committed: SessionFactory, real_place: UUID) -> None:
    """The revision taken back is used again by the next writer, who must not be overlooked."""
    live = LiveGeofences()
    with committed() as reader, committed() as hasty, committed() as writer:
        live.current(reader)
        lost = make_geofence(hasty, place_of(hasty, real_place))
        live.current(reader)
        hasty.rollback()
        kept = make_geofence(writer, place_of(writer, real_place))
        writer.commit()

        index = live.current(reader)

    assert index.number_of(kept.id) is not None
    assert index.number_of(lost.id) is None


def test_threads_that_ask_together_all_see_what_was_committed_before(
    committed: SessionFactory, real_place: UUID
) -> None:
    """Readers race while geofences are added one by one; none ever misses one."""
    live, start, count = LiveGeofences(), Barrier(5), 12
    made: list[UUID] = []
    missed: list[UUID] = []

    def write() -> None:
        start.wait()
        for _ in range(count):
            with transaction(committed) as session:
                geofence = make_geofence(session, place_of(session, real_place))
            made.append(geofence.id)

    def read() -> None:
        start.wait()
        while len(made) < count:
            before = list(made)
            with committed() as session:
                index = live.current(session)
            missed.extend(one for one in before if index.number_of(one) is None)

    threads = [Thread(target=write), *(Thread(target=read) for _ in range(4))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert missed == []
    with committed() as session:
        assert watched_ids(live.current(session)) == set(made)


def test_two_writers_have_revisions_in_the_order_of_their_commits(
    committed: SessionFactory, real_place: UUID
) -> None:
    """A reader who knows a revision has seen every change up to it."""
    with committed() as first, committed() as second:
        make_geofence(first, place_of(first, real_place))
        waiting = Thread(target=lambda: make_geofence(second, place_of(second, real_place)))
        waiting.start()
        waiting.join(timeout=0.2)
        assert waiting.is_alive()
        first.commit()
        known = queries.revision(first)
        waiting.join()
        second.commit()

        assert queries.revision(first) == known + 1
        [changed] = queries.changed_since(first, known)
        assert len(changed.ids) == 1


def test_an_unknown_place_has_no_geofences(session: Session, place: Place) -> None:
    """A check-in at a place without a watched area finds none to measure."""
    geofence = make_geofence(session, place)

    index = LiveGeofences().current(session)

    assert index.of_place(geofence.place_id).tolist() == [index.number_of(geofence.id)]
    assert index.of_place(uuid4()).tolist() == []
