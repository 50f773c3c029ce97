"""Which place an event is at, by what its feed says of where it is."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

SHORTEST_NAME: Final = 5
"""Letters and digits; a shorter name is found in too much that does not mean it."""
_POSTCODE: Final = re.compile(r"\b[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}\b")
_APOSTROPHES: Final = {ord("'"): None, 0x2019: None}
_WORDS: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place, as far as feeds go by it."""

    place_id: UUID
    name: str
    address: str | None
    postcode: str | None
    time_zone: str


class NoPlace(Exception):
    """No place fits, or more than one does; the message says which."""


class Spots:
    """The places that the events of one feed may be at."""

    def __init__(self, spots: Sequence[Spot]) -> None:
        self._spots = spots
        self._names = [(f" {_plain(spot.name)} ", spot) for spot in spots]
        self._found: dict[str | None, Spot | NoPlace] = {}

    def find(self, location: str | None) -> Spot:
        """Return the one place that a location means.

        It is meant by its name, standing by itself or as whole words within the location, of which
        the longest counts; where several places are called so or none is, by its postcode; and
        where several have that, or none, by its address within the location.

        Raises:
            NoPlace: There is none, or more than one.
        """
        # A feed's events are at a few places, and an organisation may have thousands.
        if location not in self._found:
            try:
                self._found[location] = self._find(location)
            except NoPlace as error:
                self._found[location] = error
        found = self._found[location]
        if isinstance(found, NoPlace):
            raise found
        return found

    def _find(self, location: str | None) -> Spot:
        if not location or not _plain(location):
            raise NoPlace("It has no location, and the feed is for no single place.")
        words = f" {_plain(location)} "
        found = [
            (len(name), spot)
            for name, spot in self._names
            if name in words and (len(name) - 2 >= SHORTEST_NAME or name == words)
        ]
        longest = max((length for length, _ in found), default=0)
        named = [spot for length, spot in found if length == longest]
        if len(named) == 1:
            return named[0]
        among = named or self._spots
        for fitting in (_by_postcode(location, among), _by_address(words, among)):
            if len(fitting) == 1:
                return fitting[0]
        if named:
            raise NoPlace(f"Several places are called {named[0].name}: say its postcode as well.")
        raise NoPlace(f"No place of yours is called {location[:80]}.")


def _by_postcode(location: str, spots: Sequence[Spot]) -> list[Spot]:
    told = {code.replace(" ", "") for code in _POSTCODE.findall(location.upper())}
    return [spot for spot in spots if (spot.postcode or "").upper().replace(" ", "") in told]


def _by_address(words: str, spots: Sequence[Spot]) -> list[Spot]:
    told = [(f" {_plain(spot.address or '')} ", spot) for spot in spots]
    return [
        spot for address, spot in told if len(address) - 2 >= SHORTEST_NAME and address in words
    ]


def _plain(text: str) -> str:
    """Return the words of a text in small letters, without accents, with single spaces."""
    bare = unicodedata.normalize("NFKD", text.casefold().translate(_APOSTROPHES))
    letters = "".join(one for one in bare if not unicodedata.combining(one))
    return " ".join(_WORDS.findall(letters))
