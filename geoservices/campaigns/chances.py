"""Shares of people that are drawn by lot, and stay the same whenever they are asked for.

The lot is a hash of campaign and person. Nothing has to be stored of anybody to know it again, and
which share somebody is in says nothing of any other campaign.
"""

from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from itertools import accumulate
from uuid import UUID


class Draw(StrEnum):
    """What a lot is drawn for; each is drawn by itself."""

    SAMPLE = "sample"
    HOLD_OUT = "hold-out"
    VARIANT = "variant"


def lot(draw: Draw, campaign_id: UUID, person_id: UUID) -> float:
    """Return a number from 0 until before 1, evenly spread over people: their lot."""
    digest = sha256(draw.encode() + campaign_id.bytes + person_id.bytes).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def pick(weights: Sequence[int], chance: float) -> int:
    """Return the number of the one that a lot falls on, each with its weight.

    Args:
        weights: At least one, each 1 or more.
        chance: From 0 until before 1.
    """
    bounds = list(accumulate(weights))
    return next(number for number, bound in enumerate(bounds) if chance * bounds[-1] < bound)
