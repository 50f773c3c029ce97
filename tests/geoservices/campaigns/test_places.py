"""Which campaigns listen at a place: the same whichever way it is asked, and right at once."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from geoservices.access.rights import Right
from geoservices.accounts.models import Organisation
from geoservices.campaigns import place_queries
from geoservices.campaigns.definitions import Around, PlaceSet
from geoservices.campaigns.models import Campaign
from geoservices.places.models import Place
from geoservices.places.queries import element_of
from tests.campaigning import World
from tests.factories import (
    EXETER,
    NOON,
    make_campaign,
    make_listing,
    make_organisation,
    make_place,
    may,
    share_place,
)
from tests.planning import analyze

AREA: dict[str, Any] = {
    "type": "Polygon",
    "coordinates": [
        [[-3.54, 50.72], [-3.52, 50.72], [-3.52, 50.73], [-3.54, 50.73], [-3.54, 50.72]]
    ],
}
NEAR = Around(lon=EXETER[0], lat=EXETER[1], radius_m=1000)


def move(place: Place, lon: float, lat: float) -> None:
    """Put a place somewhere else."""
    place.point = element_of(f"SRID=4326;POINT({lon!r} {lat!r})")  # type: ignore[assignment]


def listens(world: World, campaign: Campaign, place: Place) -> bool:
    """Whether the campaign hears of who comes to the place."""
    world.session.flush()
    found = place_queries.listening_to(world.session, [place.id], at=NOON)
    assert all(one.place_id == place.id for one in found)
    return campaign.id in {one.campaign.id for one in found}


@pytest.mark.parametrize(
    ("places", "in_it", "out_of_it"),
    [
        pytest.param(
            PlaceSet(tags=("central",)), {"tags": ["east", "central"]}, {"tags": ["east"]}, id="tag"
        ),
        pytest.param(
            PlaceSet(categories=("library",)),
            {"category": "library"},
            {"category": "museum"},
            id="category",
        ),
        pytest.param(PlaceSet(area=AREA), {"at": EXETER}, {"at": (-3.6, 50.725)}, id="area"),
        pytest.param(PlaceSet(circle=NEAR), {"at": EXETER}, {"at": (-3.6, 50.725)}, id="circle"),
    ],
)
def test_a_place_is_heard_of_as_soon_as_it_is_one_of_them(
    world: World, places: PlaceSet, in_it: dict[str, Any], out_of_it: dict[str, Any]
) -> None:
    """Tagged, sorted or moved by whatever way, in the same transaction; and a new one as well."""
    campaign = world.campaign(places=places)
    seen = []

    for change in (out_of_it, in_it, out_of_it):
        for name, value in change.items():
            if name == "at":
                move(world.place, *value)
            else:
                setattr(world.place, name, value)
        seen.append(listens(world, campaign, world.place))

    assert seen == [False, True, False]


def test_a_set_is_the_union_of_its_parts(world: World) -> None:
    """A place that is in by several ways is heard of once."""
    campaign = world.campaign(
        places=PlaceSet(ids=(world.place.id,), categories=("library",), circle=NEAR, area=AREA)
    )
    elsewhere = make_place(world.session, world.organisation, name="Museum")
    elsewhere.category = "museum"
    move(elsewhere, -3.0, 50.0)

    found = place_queries.listening_to(world.session, [world.place.id, elsewhere.id], at=NOON)

    assert [(one.campaign.id, one.place_id) for one in found] == [(campaign.id, world.place.id)]


def test_without_a_set_it_goes_where_its_listing_goes(world: World) -> None:
    """A listing may be moved to another place."""
    campaign = world.campaign()
    other = make_place(world.session, world.organisation, name="Other Library")

    before = [listens(world, campaign, place) for place in (world.place, other)]
    world.listing.place_id = other.id
    after = [listens(world, campaign, place) for place in (world.place, other)]

    assert (before, after) == ([True, False], [False, True])


def test_a_partners_place_counts_while_it_is_shared(world: World) -> None:
    """By category and area, and never by the partner's own tags."""
    partner = make_organisation(world.session, "torbay")
    theirs = make_place(world.session, partner, name="Torquay Library")
    theirs.tags = ["central"]
    tagged = world.campaign(places=PlaceSet(tags=("central",)))
    sorted_ = world.campaign(places=PlaceSet(categories=(theirs.category,)))

    unshared = [listens(world, one, theirs) for one in (tagged, sorted_)]
    share = share_place(world.session, theirs, world.organisation)
    shared = [listens(world, one, theirs) for one in (tagged, sorted_)]
    share.ended_at = NOON
    ended = [listens(world, one, theirs) for one in (tagged, sorted_)]

    assert (unshared, shared, ended) == ([False, False], [False, True], [False, False])


def test_a_limited_managers_campaign_stays_within_their_reach(world: World) -> None:
    """Whatever it names: by tag or by area, as it was when they put it in force."""
    campaign = world.campaign(places=PlaceSet(categories=("library",)))
    [found] = place_queries.listening_to(world.session, [world.place.id], at=NOON)

    seen = []
    for reach in (
        {"tags": ["central"], "area": None},
        {"tags": [], "area": AREA},
        {"tags": ["east"], "area": None},
    ):
        world.place.tags = ["east"]
        found.version.reach = reach
        seen.append(listens(world, campaign, world.place))

    assert seen == [False, True, True]


SPOTS = st.tuples(st.floats(-3.545, -3.515), st.floats(50.715, 50.735))
SETS = st.builds(
    PlaceSet,
    tags=st.sets(st.sampled_from(["central", "east"])).map(tuple),
    categories=st.sets(st.sampled_from(["library", "museum"])).map(tuple),
    area=st.none() | st.just(AREA),
    circle=st.none()
    | st.builds(
        Around,
        lon=st.floats(-3.54, -3.52),
        lat=st.floats(50.72, 50.73),
        radius_m=st.floats(5, 1500),
    ),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    SETS,
    st.lists(
        st.tuples(
            SPOTS,
            st.sampled_from(["library", "museum", "hall"]),
            st.sets(st.sampled_from(["central", "east", "west"])),
            st.sampled_from(["own", "shared", "a stranger's"]),
        ),
        min_size=1,
        max_size=8,
    ),
)
def test_both_ways_of_asking_agree(
    world: World, places: PlaceSet, there: list[tuple[Any, str, set[str], str]]
) -> None:
    """The places of a set, and the places at which its campaign listens."""
    with world.session.begin_nested() as savepoint:
        made = [_place(world, *one) for one in there]
        campaign = world.campaign(places=places)

        by_campaign = set(
            world.session.scalars(
                select(Place.id).where(
                    place_queries.is_for(places, may(world.organisation, Right.CAMPAIGNS_WRITE))
                )
            )
        ) & {place.id for place in made}
        heard = place_queries.listening_to(world.session, [place.id for place in made], at=NOON)
        by_place = {one.place_id for one in heard if one.campaign.id == campaign.id}
        savepoint.rollback()

    assert by_place == by_campaign


def _place(world: World, at: Any, category: str, tags: set[str], whose: str) -> Place:
    owner = world.organisation
    if whose != "own":
        known = world.session.scalars(select(Organisation).where(Organisation.slug == "torbay"))
        owner = known.one_or_none() or make_organisation(world.session, "torbay")
    place = make_place(world.session, owner, name="Somewhere")
    place.category, place.tags = category, sorted(tags)
    move(place, *at)
    if whose == "shared":
        share_place(world.session, place, world.organisation)
    world.session.flush()
    return place


def test_what_listens_elsewhere_is_not_looked_at(world: World) -> None:
    """Each way in is an index: what a thousand campaigns of other places cost is next to none."""
    session = world.session
    other = make_place(session, world.organisation, name="Elsewhere")
    listing = make_listing(session, other)
    far = Around(lon=-4.1, lat=50.4, radius_m=500)
    _fill(session, make_campaign(session, listing, places=PlaceSet(circle=far)))
    analyze(session.connection(), "campaign_places")
    plan = _plan(session, world.place)

    assert "Seq Scan on campaign_places" not in plan
    for column in ("place_id", "tag", "category", "listing_id", "area", "around"):
        assert f"ix_campaign_places_{column}" in plan


def _fill(session: Session, campaign: Campaign) -> None:
    ways = {
        "place_id": "(SELECT place_id FROM listings LIMIT 1)",
        "tag": "'t' || n",
        "category": "'c' || n",
        "listing_id": f"'{campaign.listing_id}'::uuid",
        "area": "ST_MakeEnvelope(-4 + n * 0.0001, 50, -4 + n * 0.0001 + 0.00005, 50.1, 4326)",
    }
    for column, value in ways.items():
        session.execute(
            text(
                f"INSERT INTO campaign_places (id, campaign_id, number, {column}) "  # noqa: S608
                f"SELECT gen_random_uuid(), '{campaign.id}', 1, {value} "
                "FROM generate_series(1, 3000) n"
            )
        )
    session.execute(
        text(
            "INSERT INTO campaign_places (id, campaign_id, number, centre, radius_m, around) "
            "SELECT gen_random_uuid(), campaign_id, 1, centre, radius_m, around "
            "FROM campaign_places, generate_series(1, 3000) WHERE centre IS NOT NULL"
        )
    )


def _plan(session: Session, place: Place) -> str:
    connection = session.connection()
    asked: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        asked.append((sql, parameters))

    event.listen(connection, "before_cursor_execute", keep)
    place_queries.listening_to(session, [place.id], at=NOON)
    event.remove(connection, "before_cursor_execute", keep)
    [(sql, parameters)] = asked
    rows = connection.exec_driver_sql(f"EXPLAIN {sql}", parameters)
    return "\n".join(row[0] for row in rows)
