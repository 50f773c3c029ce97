"""Made-up geofences and positions: cities of different sizes, buildings, circles and districts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import numpy as np
import shapely
from numpy.typing import NDArray

from geoservices.geofences.watched import Watched

CITIES = 200
DWELL_AFTER = timedelta(minutes=5)
ORGANISATION = UUID(int=1)
FIRST = UUID(int=10)
METRES_PER_DEGREE = 111_195.0
DISTRICT_SHARE = 0.02
MOST_DISTRICTS = 3_000
WEST, SOUTH, EAST, NORTH = -5.0, 50.5, 1.5, 55.0
ACROSS_M = (500.0, 6_000.0)
"""How wide districts are."""
DENSE_ACROSS_M = (1_000.0, 12_000.0)
"""How wide they are where they lie six deep."""


@dataclass(frozen=True, slots=True)
class Country:
    """Where the cities are, how large and how likely each is."""

    centres: NDArray[np.float64]
    spread_deg: NDArray[np.float64]
    share: NDArray[np.float64]

    @classmethod
    def of(cls, rng: np.random.Generator) -> "Country":
        """Lay out 200 cities whose sizes follow Zipf's law."""
        share = 1.0 / np.arange(1, CITIES + 1)
        return cls(
            np.column_stack([rng.uniform(WEST, EAST, CITIES), rng.uniform(SOUTH, NORTH, CITIES)]),
            0.025 + 0.05 * rng.random(CITIES),
            share / share.sum(),
        )

    def scatter(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return points spread like people, degrees, shape (count, 2)."""
        city = rng.choice(CITIES, count, p=self.share)
        offset = rng.standard_normal((count, 2)) * self.spread_deg[city, None]
        return np.asarray(self.centres[city] + offset)


def geofences(
    count: int,
    country: Country,
    rng: np.random.Generator,
    *,
    across_m: tuple[float, float] = ACROSS_M,
) -> Iterator[Watched]:
    """Yield half circles of about 50 m, half buildings of 8 to 30 vertices, and a few districts."""
    districts = min(int(count * DISTRICT_SHARE), MOST_DISTRICTS)
    for number, (lon, lat) in enumerate(country.scatter(count, rng).tolist()):
        if number < districts:
            radius_m = float(rng.uniform(*across_m)) / 2
            area, centre = _outline(lon, lat, radius_m, int(rng.integers(64, 300)), rng), None
        elif number % 2:
            area, centre, radius_m = None, (lon, lat), float(rng.uniform(40, 60))
        else:
            radius_m = float(rng.uniform(12, 30))
            area, centre = _outline(lon, lat, radius_m, int(rng.integers(8, 31)), rng), None
        yield Watched(
            id=UUID(int=FIRST.int + number),
            place_id=UUID(int=FIRST.int + number),
            organisation_id=ORGANISATION,
            dwell_after=DWELL_AFTER,
            margin_m=0.0,
            area=area,
            centre=centre,
            radius_m=radius_m if centre else None,
        )


def positions(
    count: int, country: Country, middles: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return positions: 70 % like the geofences, 20 % within 80 m of one, 10 % anywhere."""
    spread = country.scatter(count, rng)
    kind = rng.random(count)
    near, anywhere = kind < 0.2, kind > 0.9
    chosen = middles[rng.integers(0, len(middles), int(near.sum()))]
    spread[near] = chosen + rng.standard_normal(chosen.shape) * 40 / METRES_PER_DEGREE
    lower, upper = (WEST, SOUTH), (EAST, NORTH)
    spread[anywhere] = rng.uniform(lower, upper, (int(anywhere.sum()), 2))
    return spread


def _outline(
    lon: float, lat: float, radius_m: float, vertices: int, rng: np.random.Generator
) -> shapely.MultiPolygon:
    """Draw a star-shaped outline, which never crosses itself."""
    bearing = np.sort(rng.uniform(0, 2 * np.pi, vertices))
    reach = radius_m * rng.uniform(0.7, 1.0, vertices) / METRES_PER_DEGREE
    ring = np.column_stack(
        [lon + reach * np.sin(bearing) / np.cos(np.radians(lat)), lat + reach * np.cos(bearing)]
    )
    return shapely.MultiPolygon([shapely.Polygon(ring)])
