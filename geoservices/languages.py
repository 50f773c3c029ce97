"""Languages by their BCP 47 tags: written in one way, looked up, read from a browser's header."""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from geoservices.errors import ErrorKind, GeoservicesError

ENGLISH: Final = "en-GB"
"""What is written here first, and shown where nothing else fits."""
LONGEST: Final = 20
"""Characters of a tag; what people choose by their language and country has six at most."""
_TAG: Final = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)",
    re.IGNORECASE,
)


class LanguageRefused(GeoservicesError):
    """The text is no tag of a language."""

    kind = ErrorKind.INVALID
    code = "language-refused"
    title = "There is no such language tag"

    def __init__(self, tag: str, *, field: str) -> None:
        super().__init__(
            f"“{tag[:40]}” is no language tag as BCP 47 has them, such as cy or en-GB.",
            field=field,
        )


def normal_language(tag: str, *, field: str) -> str:
    """Return a language tag in the one way in which RFC 5646 section 2.1.1 writes it.

    Raises:
        LanguageRefused: It is none; extensions and private use are none to us.
    """
    read = _TAG.fullmatch(tag)
    if read is None:
        raise LanguageRefused(tag, field=field)
    parts = [read["language"].lower()]
    parts += [read["script"].title()] if read["script"] else []
    parts += [read["region"].upper()] if read["region"] else []
    return "-".join(parts) + read["variants"].lower()


def is_in_range(tag: str, ranges: Iterable[str]) -> bool:
    """Tell whether a language is in one of the ranges, by RFC 4647 section 3.3.1."""
    return any(tag == one or tag.startswith(f"{one}-") for one in ranges)


def look_up(tags: Iterable[str], wanted: str) -> str | None:
    """Return the tag that fits a language best: by RFC 4647 section 3.4, else of the same language.

    Whoever reads British English is better served with American than with none.
    """
    known = sorted(tags)
    subtags = wanted.split("-")
    for length in range(len(subtags), 0, -1):
        if (tag := "-".join(subtags[:length])) in known:
            return tag
    return next((tag for tag in known if tag.split("-")[0] == subtags[0]), None)


def preferred(header: str) -> str | None:
    """Return the language that a browser asks for first (RFC 9110 section 12.5.4), if any.

    What cannot be read is passed over: it is a hint, and a wrong one is no reason to refuse.
    """
    best: tuple[float, str] | None = None
    for part in header[:200].split(","):
        tag, _, weight = part.strip().partition(";q=")
        with suppress(LanguageRefused, ValueError):
            asked = (float(weight or 1), normal_language(tag, field=""))
            if len(asked[1]) <= LONGEST and (best is None or asked[0] > best[0]):
                best = asked
    return best[1] if best else None
