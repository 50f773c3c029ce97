"""Which place a location means."""

from uuid import uuid4

import pytest

from geoservices.feeds.matching import NoPlace, Spot, Spots


def spot(name: str, address: str | None = None, postcode: str | None = None) -> Spot:
    """A place."""
    return Spot(
        place_id=uuid4(), name=name, address=address, postcode=postcode, time_zone="Europe/London"
    )


EXETER = spot("Exeter Library", "Castle Street", "EX4 3PQ")
ST_THOMAS = spot("St Thomas Library", "Cowick Street, Exeter", "EX4 1AF")
CREDITON = spot("Crediton Library", "Belle Parade", "EX17 2AA")
CREDITON_HALL = spot("Crediton Library Hall", "Belle Parade", "EX17 2AA")
NORTH, SOUTH = (spot("Town Hall", "High Street", code) for code in ("EX1 1AA", "TQ1 1AA"))
CAFE = spot("Café de l'Étoile", "Rue 1")
SPOTS = Spots([EXETER, ST_THOMAS, CREDITON, CREDITON_HALL, NORTH, SOUTH, CAFE])


@pytest.mark.parametrize(
    ("location", "meant"),
    [
        ("Exeter Library", EXETER),
        ("exeter  LIBRARY, Castle Street, Exeter EX4 3PQ", EXETER),
        ("Children's room at St. Thomas Library", ST_THOMAS),
        ("Crediton Library", CREDITON),
        ("Crediton Library Hall, upstairs", CREDITON_HALL),
        ("Town Hall, EX1 1AA", NORTH),
        ("The Town Hall, Torquay TQ11AA", SOUTH),
        ("Cafe de lEtoile", CAFE),
        ("Music room, EX4 3PQ", EXETER),
        ("Cowick Street, Exeter", ST_THOMAS),
    ],
)
def test_found(location: str, meant: Spot) -> None:
    """By name, and where that is not enough by postcode or address."""
    assert SPOTS.find(location) == meant
    assert SPOTS.find(location) == meant


@pytest.mark.parametrize(
    ("location", "why"),
    [
        (None, "no location"),
        (" , ", "no location"),
        ("Town Hall", "Several places are called Town Hall"),
        ("Exeter Librarys", "No place of yours"),
        ("Belle Parade", "No place of yours"),
        ("EX17 2AA", "No place of yours"),
    ],
)
def test_not_found(location: str | None, why: str) -> None:
    """What fits several places is none of them."""
    with pytest.raises(NoPlace, match=why):
        SPOTS.find(location)
