"""Compiled loops: who pays for them, and when."""

import subprocess
import sys
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from geoservices.geofences import layer, measuring
from geoservices.geofences.compiling import compile_ahead
from geoservices.geofences.index import GeofenceIndex
from geoservices.geofences.live import LiveGeofences
from geoservices.geometry import boxtree, ragged
from tests.factories import make_geofence, make_organisation, make_place

LOOPS: list[Any] = [
    boxtree._extent,
    boxtree._hilbert,
    boxtree._meeting,
    layer._found,
    measuring.contained,
    measuring.crossed,
    measuring.distances_m,
    ragged._measured,
    ragged._read,
]


def test_processes_that_never_match_do_not_import_the_compiler() -> None:
    """Jobs and commands start without it, though they know of the index."""
    asked = (
        "import sys, geoservices.pipeline, geoservices.__main__, geodata.__main__; "
        "print('numba' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_every_loop_is_compiled_ahead() -> None:
    """None is left for the first ping to wait for."""
    compile_ahead()

    assert [len(loop.signatures) for loop in LOOPS] == [1] * len(LOOPS)


def test_arrays_of_any_kind_meet_loops_that_are_compiled_already() -> None:
    """Slices, constants and other memory orders are made plain, not compiled for."""
    index = GeofenceIndex((), revision=0)
    across = np.zeros((6, 2))
    fixed = np.zeros(6)
    fixed.flags.writeable = False
    pairs = np.zeros((3, 2), dtype=np.intp)[:0, 0]

    for lon in (across[:, 0], fixed, np.broadcast_to(0.0, 6)):
        index.match(lon, fixed)
        index.crossed(lon, fixed, fixed, lon)
        index.distances_m(lon, fixed, pairs, pairs)
    index.numbers_of(np.frombuffer(bytes(32), dtype=np.uint8).reshape(2, 16))

    assert [len(loop.signatures) for loop in LOOPS] == [1] * len(LOOPS)


def test_what_comes_from_the_table_meets_loops_that_are_compiled_already(session: Session) -> None:
    """Its columns arrive between one another and read-only; the index gets them plain."""
    place = make_place(session, make_organisation(session))
    live = LiveGeofences()
    for _ in range(2):
        geofence = make_geofence(session, place)
        index = live.current(session)
        assert index.of_place(place.id)[-1] == index.number_of(geofence.id)

    assert [len(loop.signatures) for loop in LOOPS] == [1] * len(LOOPS)
