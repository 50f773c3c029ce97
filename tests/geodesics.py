"""Distances on the WGS 84 ellipsoid, for holding approximations against."""

from math import atan, atan2, cos, radians, sin, sqrt, tan

A_M = 6_378_137.0
F = 1 / 298.257223563
B_M = A_M * (1 - F)


def geodesic_m(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """Return the length of the geodesic between two points that are not nearly antipodal.

    Source:
        Vincenty, Direct and Inverse Solutions of Geodesics on the Ellipsoid, Survey Review 23
        (1975), the inverse formula; it agrees with Karney's to 0.1 mm. `test_geodesics.py` holds
        it against published lines.
    """
    reduced_a = atan((1 - F) * tan(radians(lat_a)))
    reduced_b = atan((1 - F) * tan(radians(lat_b)))
    sin_a, cos_a = sin(reduced_a), cos(reduced_a)
    sin_b, cos_b = sin(reduced_b), cos(reduced_b)
    difference = radians((lon_b - lon_a + 180) % 360 - 180)
    lam = difference
    for _ in range(100):
        cross = cos_a * sin_b - sin_a * cos_b * cos(lam)
        sin_sigma = sqrt((cos_b * sin(lam)) ** 2 + cross**2)
        if sin_sigma == 0:
            return 0.0
        cos_sigma = sin_a * sin_b + cos_a * cos_b * cos(lam)
        sigma = atan2(sin_sigma, cos_sigma)
        sin_alpha = cos_a * cos_b * sin(lam) / sin_sigma
        cos2_alpha = 1 - sin_alpha**2
        mid = cos_sigma - 2 * sin_a * sin_b / cos2_alpha if cos2_alpha > 0 else 0.0
        c = F / 16 * cos2_alpha * (4 + F * (4 - 3 * cos2_alpha))
        bend = sigma + c * sin_sigma * (mid + c * cos_sigma * (2 * mid**2 - 1))
        before, lam = lam, difference + (1 - c) * F * sin_alpha * bend
        if abs(lam - before) < 1e-13:
            break
    u2 = cos2_alpha * (A_M**2 - B_M**2) / B_M**2
    big_a = 1 + u2 / 16384 * (4096 + u2 * (u2 * (320 - 175 * u2) - 768))
    big_b = u2 / 1024 * (256 + u2 * (u2 * (74 - 47 * u2) - 128))
    inner = cos_sigma * (2 * mid**2 - 1) - big_b / 6 * mid * (4 * sin_sigma**2 - 3) * (
        4 * mid**2 - 3
    )
    return B_M * big_a * (sigma - big_b * sin_sigma * (mid + big_b / 4 * inner))
