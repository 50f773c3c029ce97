"""Texts: in the language that fits best, and with nothing in them that could fail."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.campaigns.definitions import Text, Variant
from geoservices.campaigns.wording import (
    LONGEST_BODY,
    LONGEST_TITLE,
    PLACEHOLDERS,
    Figures,
    PlaceholderUnknown,
    TextMissing,
    TextTooLong,
    check_variant,
    choose_text,
    fill,
)
from geoservices.errors import GeoservicesError
from geoservices.languages import LanguageRefused

FIGURES = Figures(
    place="Exeter Library",
    listing="Story time",
    organisation="Devon",
    starts_at=datetime(2026, 7, 4, 9, tzinfo=UTC),
    ends_at=None,
    time_zone="Europe/London",
)


def saying(title: str = "Story time", body: str = "Come in.", **texts: str) -> Variant:
    """A variant in English, and with other titles in other languages."""
    others = {tag.replace("_", "-"): Text(title=one, body=body) for tag, one in texts.items()}
    return Variant(name="a", texts={"en-GB": Text(title=title, body=body), **others})


def test_placeholders_are_filled_by_the_places_clock() -> None:
    """In figures, which are read alike in every language."""
    text = Text(title="{listing} at {place}", body="{starts} to {ends}. {organisation}")

    filled = fill(text, FIGURES)

    assert filled == Text(title="Story time at Exeter Library", body="04/07/2026 10:00 to …. Devon")


@pytest.mark.parametrize(
    "brace", ["{name}", "{place!r}", "{place:>9}", "{", "}", "{}", "{{place}}", "{place.name}"]
)
def test_a_brace_that_stands_for_nothing_is_refused(brace: str) -> None:
    """The problem names it and the ones there are."""
    with pytest.raises(PlaceholderUnknown, match=r"There are \{place\}, \{listing\}") as caught:
        check_variant(saying(body=f"a {brace}"), FIGURES, default="en-GB", field="/content/0")

    assert caught.value.field == "/content/0/texts/en-GB/body"


def test_the_longest_place_counts() -> None:
    """What fits here may not fit there."""
    variant = saying(title="Now at {place}")
    fits = replace(FIGURES, place="n" * (LONGEST_TITLE - 7))

    check_variant(variant, fits, default="en-GB", field="")
    with pytest.raises(TextTooLong, match="121 characters, and 120"):
        check_variant(variant, replace(fits, place=f"{fits.place}n"), default="en-GB", field="")


def test_it_is_said_in_the_organisations_language_too() -> None:
    """Whoever reads no other is told in that."""
    with pytest.raises(TextMissing):
        check_variant(saying(), FIGURES, default="cy-GB", field="")
    with pytest.raises(LanguageRefused):
        check_variant(saying(english="x"), FIGURES, default="en-GB", field="")


@pytest.mark.parametrize(
    ("language", "chosen"),
    [
        pytest.param("cy-GB", "cy", id="a language without its country"),
        pytest.param("cy", "cy", id="the very one"),
        pytest.param("en-US", "en-GB", id="of another country"),
        pytest.param("pt-BR", "pt-BR", id="the nearest of two"),
        pytest.param("pt-PT", "pt-BR", id="the only one of that language"),
        pytest.param("pl", "en-GB", id="none of that language"),
        pytest.param(None, "en-GB", id="none chosen"),
    ],
)
def test_everybody_is_told_in_the_language_that_fits_best(
    language: str | None, chosen: str
) -> None:
    """Theirs, else the organisation's (RFC 4647 section 3.4)."""
    variant = saying(cy="Amser stori", pt_BR="Hora do conto")

    assert choose_text(variant, language=language, default="en-GB")[0] == chosen


def test_there_is_a_text_whatever_became_of_the_organisations_language() -> None:
    """It was another when the text was stored."""
    assert choose_text(saying(), language=None, default="cy")[0] == "en-GB"


PIECES = st.sampled_from([*(f"{{{name}}}" for name in PLACEHOLDERS), "{", "}", "{x}", " a ", "é"])


@given(st.lists(PIECES, max_size=60).map("".join), st.text(max_size=200), st.text(max_size=120))
def test_what_is_stored_can_always_be_filled(template: str, place: str, listing: str) -> None:
    """Whatever place and listing are called by then, and never longer than may be sent."""
    variant = saying(title=template, body=template)
    try:
        check_variant(variant, FIGURES, default="en-GB", field="")
    except GeoservicesError:
        return

    filled = fill(variant.texts["en-GB"], replace(FIGURES, place=place, listing=listing))

    assert len(filled.title) <= LONGEST_TITLE
    assert len(filled.body) <= LONGEST_BODY
