"""What each column holds of a person, said where the column is: the register of personal data.

A column of a table about people says in a few words what it holds (`personal`); its table says
once for all of them what that is for, on which legal basis and for how long (`about`), and a column
may differ. A table that holds nothing of anybody says so as a whole (`not_personal`).
`geoservices.register_page` writes docs/register.md from it, as Article 30 of the UK GDPR asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

KEY = "register"
"""Where an annotation stands in the `info` of a column or table."""


class Basis(StrEnum):
    """What makes it lawful to hold something of a person (UK GDPR Article 6(1))."""

    CONSENT = "consent, Art. 6(1)(a)"
    LEGAL_OBLIGATION = "legal obligation, Art. 6(1)(c)"
    PUBLIC_TASK = "public task, Art. 6(1)(e)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How long something is kept.

    `setting` is the path of the setting that says so (`intake.ping_retention`), if one does;
    `words` then say since when, and else until when.
    """

    words: str
    setting: str | None = None


UNTIL_ERASED = Kept(words="until the person is erased")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a table about people is for."""

    purpose: str
    basis: Basis
    kept: Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Personal:
    """What a column holds of a person; what is None is as its table says.

    `special` marks what may reveal health, belief and the like of whoever was at a place, or was
    told of it (Article 9(1)).
    """

    what: str
    special: bool = False
    purpose: str | None = None
    basis: Basis | None = None
    kept: Kept | None = None


Info = dict[str, Any]

not_personal: Info = {KEY: None}
"""Nothing of anybody, and nothing that leads to anybody."""


def about(*, purpose: str, basis: Basis, kept: Kept = UNTIL_ERASED) -> Info:
    """Return the `info` of a table about people, for its `__table_args__`.

    Args:
        purpose: What it is kept for, as the rest of a sentence that begins with "to".
        basis: What makes that lawful.
        kept: For how long.
    """
    return {KEY: About(purpose=purpose, basis=basis, kept=kept)}


def personal(
    what: str,
    *,
    special: bool = False,
    purpose: str | None = None,
    basis: Basis | None = None,
    kept: Kept | None = None,
) -> Info:
    """Return the `info` of a column that holds something of a person.

    Args:
        what: What it holds, in a few words.
        special: Whether it may reveal what Article 9(1) protects.
        purpose: What for, if for something else than the rest of its table.
        basis: What makes that lawful, if something else does.
        kept: For how long, if not for as long as the rest.
    """
    said = Personal(what=what, special=special, purpose=purpose, basis=basis, kept=kept)
    return {KEY: said}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the register: a column's annotation, with what its table says for all."""

    what: str
    special: bool
    purpose: str
    basis: Basis
    kept: Kept


def entry_of(column: Mapping[Any, Any], table: Mapping[Any, Any]) -> Entry | None:
    """Return what the register says of a column; None of what is not personal.

    Args:
        column: The column's `info`.
        table: Its table's.

    Raises:
        LookupError: Nothing is said, or not all of it.
    """
    said, common = column.get(KEY, table.get(KEY, ())), table.get(KEY)
    if said is None:
        return None
    if not isinstance(said, Personal):
        # Not a wrong type, but nothing where something must be.
        raise LookupError("Annotate it: personal(…) or not_personal.")  # noqa: TRY004
    rest = common if isinstance(common, About) else None
    purpose = said.purpose or (rest.purpose if rest else None)
    basis = said.basis or (rest.basis if rest else None)
    kept = said.kept or (rest.kept if rest else None)
    if purpose is None or basis is None or kept is None:
        raise LookupError("Say what it is for, on which basis and for how long: about(…).")
    return Entry(what=said.what, special=said.special, purpose=purpose, basis=basis, kept=kept)
