"""A position is a value."""

from dataclasses import FrozenInstanceError

import pytest

from geoservices.geometry.position import Position


def test_positions_with_the_same_numbers_are_the_same() -> None:
    """They compare and hash by value, and no accuracy is an accuracy of its own."""
    here = Position(lon=-3.53, lat=50.72)

    assert here == Position(lon=-3.53, lat=50.72, accuracy_m=None)
    assert (
        len({here, Position(lon=-3.53, lat=50.72), Position(lon=-3.53, lat=50.72, accuracy_m=5)})
        == 2
    )


def test_a_position_never_changes_and_never_swaps_its_numbers() -> None:
    """It is frozen, and takes its numbers by name alone."""
    here = Position(lon=-3.53, lat=50.72)

    with pytest.raises(FrozenInstanceError):
        here.lon = 50.72  # type: ignore[misc]
    with pytest.raises(TypeError):
        Position(-3.53, 50.72)  # type: ignore[call-arg]
