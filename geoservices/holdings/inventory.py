"""What an entry of the inventory says of a table, and what follows from all entries together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import Table

from geoservices.tables import all_tables

PERSON = "person"
"""The kind whose row is the person's own."""


NAMED = {"place_id": "place", "organisation_id": "organisation"}
"""Numbers that are told together with the name of what they stand for, and what that is called."""


class Fate(StrEnum):
    """What becomes of a row when its person is erased."""

    DELETED = "deleted"
    UNNAMED = "unnamed"
    """It is somebody else's; only what leads to the person is taken out."""
    KEPT = "kept"
    """It must stay, and holds nothing of the person but an id that then leads nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One kind of what is held about a person: how its rows are found, told and erased.

    Rows are found by `column`, which names a row of any of the kinds `of`; the person's own row,
    which has none, by its id. `told` explains each column that the person sees, `withheld` says
    why they do not see the others. `order` names columns that put one person's rows into an order,
    the last rows of which are the newest; they are never null and no two rows have the same.
    """

    kind: str
    table: str
    column: str
    of: tuple[str, ...] = (PERSON,)
    title: str
    why: str
    """What it is for and how long it is kept, in plain words."""
    correction: str
    """How it is put right, or why it cannot be."""
    told: Mapping[str, str]
    withheld: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ("id",)
    fate: Fate = Fate.DELETED

    @property
    def explained(self) -> dict[str, str]:
        """What each column means that a person sees, the names beside numbers among them."""
        words: dict[str, str] = {}
        for name, told in self.told.items():
            words[name] = told
            if name in NAMED:
                words[NAMED[name]] = f"{told}, by name"
        return words

    @property
    def source(self) -> Table:
        """The table."""
        return all_tables().tables[self.table]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All kinds, each after those that it is found by."""

    holdings: tuple[Holding, ...]

    def __getitem__(self, kind: str) -> Holding:
        """Return a kind's entry.

        Raises:
            KeyError: There is no such kind.
        """
        return next((one for one in self.holdings if one.kind == kind), None) or _unknown(kind)

    def __iter__(self) -> Iterator[Holding]:
        """Go through the kinds as people are shown them."""
        return iter(self.holdings)

    def as_erased(self) -> Iterator[Holding]:
        """Go through the kinds in the order in which they can be erased: what is found first."""
        return (one for one in reversed(self.holdings) if one.fate is not Fate.KEPT)


def _unknown(kind: str) -> Holding:
    raise KeyError(kind)
