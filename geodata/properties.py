"""Texts in a feature's properties, cleaned or refused."""

from collections.abc import Iterator, Mapping

from geoservices.access.reach import LONGEST_TAG, MOST_TAGS, normal_tag
from geoservices.places.hours import is_readable

LONGEST = {"category": 60, "address": 500, "postcode": 12, "website": 500, "email": 254}
"""What the database holds of each, in characters."""
ALSO_CALLED = {
    "postcode": "addr:postcode",
    "website": "contact:website",
    "email": "contact:email",
}
"""OpenStreetMap's names for the same."""
LONGEST_HOURS = 1000
LONGEST_ID = 200


class Unusable(ValueError):
    """The text cannot be kept; the message says why."""


def clean(value: object, longest: int) -> str | None:
    """Return a text without white space round it; None if there is none.

    A whole number is taken for its digits: some sources write postcodes that way.

    Raises:
        Unusable: It is something else, too long, or holds what cannot be stored.
    """
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Unusable("is not a text")
    text = value.strip()
    if len(text) > longest:
        raise Unusable(f"is longer than {longest} characters")
    # PostgreSQL stores no NUL, and half of a surrogate pair is no character.
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise Unusable("holds characters that cannot be stored")
    return text or None


def texts_of(properties: Mapping[str, object]) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield what is kept of a place's properties: a name, its text, and why it was left out."""
    for name, longest in LONGEST.items():
        value = properties.get(name)
        if value is None:
            value = properties.get(ALSO_CALLED.get(name, name))
        try:
            yield name, clean(value, longest), None
        except Unusable as error:
            yield name, None, f"{name} {error}; it was left out"


def hours_of(properties: Mapping[str, object]) -> tuple[str | None, str | None]:
    """Return the opening hours, or why they were left out."""
    try:
        hours = clean(properties.get("opening_hours"), LONGEST_HOURS)
    except Unusable as error:
        return None, f"opening_hours {error}; the place is kept without hours"
    if hours is not None and not is_readable(hours):
        return None, (
            f"opening_hours {hours[:80]!r} is not in OpenStreetMap's syntax; "
            "the place is kept without hours"
        )
    return hours, None


def tags_of(properties: Mapping[str, object]) -> tuple[tuple[str, ...], str | None]:
    """Return the organisation's own tags, each once, or why they were left out.

    They are a list of texts, or one text with semicolons between them as OpenStreetMap has it.
    """
    value = properties.get("tags")
    told = value.split(";") if isinstance(value, str) else value
    if told is None:
        return (), None
    if not isinstance(told, list) or len(told) > MOST_TAGS:
        return (), f"tags is no list of at most {MOST_TAGS} texts; they were left out"
    try:
        tags = {normal_tag(clean(tag, LONGEST_TAG) or "") for tag in told}
    except Unusable as error:
        return (), f"a tag {error}; all were left out"
    return tuple(sorted(tags - {""})), None


def parent_of(properties: Mapping[str, object]) -> tuple[str | None, str | None]:
    """Return the external id of the place that it is part of, or why it was left out."""
    try:
        return clean(properties.get("parent"), LONGEST_ID), None
    except Unusable as error:
        return None, f"parent {error}; it was left out"


def osm_address(properties: Mapping[str, object]) -> str | None:
    """Return the address that OpenStreetMap's `addr:` tags spell, if they do."""
    names = ("addr:housenumber", "addr:street", "addr:city")
    number, street, city = (properties.get(name) for name in names)
    way = " ".join(part for part in (number, street) if isinstance(part, str))
    whole = ", ".join(part for part in (way, city) if part and isinstance(part, str))
    try:
        return clean(whole, LONGEST["address"])
    except Unusable:
        return None
