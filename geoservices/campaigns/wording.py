"""What a campaign's texts say: in which language, and with what in place of placeholders.

A placeholder is one of a closed list in braces. Texts with any other brace are refused when they
are stored, so nothing is left that could fail when they are filled.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from geoservices.campaigns.definitions import Text, Variant
from geoservices.errors import ErrorKind, GeoservicesError
from geoservices.languages import look_up, normal_language

LONGEST_TITLE: Final = 120
LONGEST_BODY: Final = 500
PLACEHOLDERS: Final = ("place", "listing", "starts", "ends", "organisation")
NO_END: Final = "…"
"""What stands for the end of something that has none."""
_BRACE: Final = re.compile(r"\{(\w*)\}|[{}]")


class PlaceholderUnknown(GeoservicesError):
    """A text has a brace that begins or ends no placeholder."""

    kind = ErrorKind.INVALID
    code = "placeholder-unknown"
    title = "There is no such placeholder"

    def __init__(self, found: str, *, field: str) -> None:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        super().__init__(f"{found[:40]} stands for nothing. There are {known}.", field=field)


class PlaceholderEmpty(GeoservicesError):
    """A text has a placeholder that nothing would stand in place of."""

    kind = ErrorKind.INVALID
    code = "placeholder-empty"
    title = "Nothing would stand in place of a placeholder"

    def __init__(self, found: str, *, field: str) -> None:
        needed = "one place" if found == "place" else "a listing"
        super().__init__(
            f"The campaign is not always about {needed}, so that {{{found}}} could stand for "
            f"nothing. Leave it out, or make the campaign about {needed}.",
            field=field,
        )


class TextTooLong(GeoservicesError):
    """A text would be too long once its placeholders are filled with the longest there are."""

    kind = ErrorKind.INVALID
    code = "text-too-long"
    title = "A text is too long"

    def __init__(self, length: int, *, most: int, field: str) -> None:
        super().__init__(
            f"With the longest names there are it has {length} characters, and {most} are "
            "allowed. Say it in fewer words, or leave a placeholder out.",
            field=field,
        )


class TextMissing(GeoservicesError):
    """A variant has no text in the language that everyone is told in who has no other."""

    kind = ErrorKind.INVALID
    code = "text-missing"
    title = "A text is missing"

    def __init__(self, language: str, *, field: str) -> None:
        super().__init__(f"Say it in the organisation's language too, {language}.", field=field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What stands in place of each placeholder; instants are told by the clock of `time_zone`.

    There may be no place or no listing; without a listing there is no start either.
    """

    place: str | None
    listing: str | None
    organisation: str
    starts_at: datetime | None
    ends_at: datetime | None
    time_zone: str


def choose_text(variant: Variant, *, language: str | None, default: str) -> tuple[str, Text]:
    """Return the text for somebody, with its language: theirs, else the organisation's."""
    for wanted in filter(None, (language, default)):
        if tag := look_up(variant.texts, wanted):
            return tag, variant.texts[tag]
    # The organisation's language may have changed since the text was stored.
    tag = min(variant.texts)
    return tag, variant.texts[tag]


@lru_cache(maxsize=1000)
def fill(text: Text, figures: Figures) -> Text:
    """Put the figures in place of a text's placeholders.

    A place may have got a longer name since the text was stored; then the end is cut off.
    """
    values = _values(figures)
    return Text(
        title=_cut(_filled(text.title, values), LONGEST_TITLE),
        body=_cut(_filled(text.body, values), LONGEST_BODY),
    )


def check_variant(variant: Variant, figures: Figures, *, default: str, field: str) -> None:
    """Refuse a variant whose texts could be wrong for anybody.

    Args:
        variant: It.
        figures: With the longest name of all the places it is for.
        default: The organisation's language.
        field: Where the variant stands, as a JSON Pointer.

    Raises:
        LanguageRefused: A text's language is none, or not written as `normal_language` does.
        TextMissing: It says nothing in the organisation's language.
        PlaceholderUnknown: A text has a placeholder that there is not.
        PlaceholderEmpty: A text has a placeholder of a place or listing that there is not.
        TextTooLong: A text would be too long.
    """
    values = _values(figures)
    for tag, text in variant.texts.items():
        at = f"{field}/texts/{tag}"
        normal_language(tag, field=at)
        for name, template, most in (
            ("title", text.title, LONGEST_TITLE),
            ("body", text.body, LONGEST_BODY),
        ):
            for brace in _BRACE.finditer(template):
                if brace[1] not in PLACEHOLDERS:
                    raise PlaceholderUnknown(brace[0], field=f"{at}/{name}")
                if brace[1] not in values:
                    raise PlaceholderEmpty(brace[1], field=f"{at}/{name}")
            if (length := len(_filled(template, values))) > most:
                raise TextTooLong(length, most=most, field=f"{at}/{name}")
    if look_up(variant.texts, default) is None:
        raise TextMissing(default, field=f"{field}/texts")


def _values(figures: Figures) -> Mapping[str, str]:
    """Return what stands for each placeholder that stands for something."""
    zone = ZoneInfo(figures.time_zone)
    values = {"organisation": figures.organisation}
    if figures.place is not None:
        values["place"] = figures.place
    if figures.listing is not None and figures.starts_at is not None:
        values["listing"] = figures.listing
        values["starts"] = _when(figures.starts_at, zone)
        values["ends"] = _when(figures.ends_at, zone) if figures.ends_at else NO_END
    return values


def _when(at: datetime, zone: ZoneInfo) -> str:
    # Figures alone, which are read alike in English, Welsh and whatever else the text is in.
    return f"{at.astimezone(zone):%d/%m/%Y %H:%M}"


def _filled(template: str, values: Mapping[str, str]) -> str:
    # Whoever replaced the only place of a campaign may have left a text speak of it.
    return _BRACE.sub(lambda brace: values.get(brace[1], NO_END), template)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
