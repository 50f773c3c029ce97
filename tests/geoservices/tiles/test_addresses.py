"""Which part of the world a tile shows, beside what PostGIS says of it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from geoservices.tiles.addresses import EXTENT, MAX_ZOOM, TileAddress

OF_POSTGIS = text("""
SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)
FROM ST_Transform(ST_TileEnvelope(:z, :x, :y), 4326) AS box
""")


@st.composite
def addresses(draw: st.DrawFn) -> TileAddress:
    """Any tile there is."""
    z = draw(st.integers(0, MAX_ZOOM))
    number = st.integers(0, 2**z - 1)
    return TileAddress(z, draw(number), draw(number))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(address=addresses())
def test_a_tile_is_where_postgis_has_it(session: Session, address: TileAddress) -> None:
    """To a millionth of a degree."""
    found = session.execute(OF_POSTGIS, {"z": address.z, "x": address.x, "y": address.y}).one()

    assert address.box() == pytest.approx(tuple(found), abs=1e-6)


@given(address=addresses())
def test_a_margin_never_reaches_beyond_the_world(address: TileAddress) -> None:
    """Which is a square that ends at 85.06 degrees."""
    west, south, east, north = address.box(EXTENT)

    assert -180 <= west < east <= 180
    assert -85.06 < south < north < 85.06


@pytest.mark.parametrize(
    "address",
    [
        TileAddress(-1, 0, 0),
        TileAddress(MAX_ZOOM + 1, 0, 0),
        TileAddress(1, 2, 0),
        TileAddress(1, 0, -1),
    ],
)
def test_some_tiles_do_not_exist(address: TileAddress) -> None:
    """Beyond the zooms, and beyond the rows and columns of one."""
    assert not address.exists
