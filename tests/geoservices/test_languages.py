"""Language tags: one way of writing them, and a browser's wish."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.languages import (
    LONGEST,
    LanguageRefused,
    is_in_range,
    look_up,
    normal_language,
    preferred,
)


@pytest.mark.parametrize(
    ("tag", "normal"),
    [
        ("EN-gb", "en-GB"),
        ("cy", "cy"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("DE-CH-1996", "de-CH-1996"),
    ],
)
def test_a_tag_is_written_in_one_way(tag: str, normal: str) -> None:
    """RFC 5646 section 2.1.1; and what is written so stays so."""
    assert normal_language(tag, field="") == normal
    assert normal_language(normal, field="") == normal


@pytest.mark.parametrize(
    "tag", ["", "english", "e", "en_GB", "en-", "x-private", "en-u-co-phonebk"]
)
def test_what_is_no_tag_is_refused(tag: str) -> None:
    """With the member that it stands in."""
    with pytest.raises(LanguageRefused, match="such as cy or en-GB") as caught:
        normal_language(tag, field="/language")

    assert caught.value.field == "/language"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        pytest.param("cy-GB,cy;q=0.9,en;q=0.8", "cy-GB", id="as browsers send it"),
        pytest.param("en;q=0.5, cy", "cy", id="by weight and not by order"),
        pytest.param("*", None, id="anything"),
        pytest.param("", None, id="nothing"),
        pytest.param("en;q=x, 12345, cy;q=0.1", "cy", id="what cannot be read is passed over"),
    ],
)
def test_a_browsers_first_wish_is_read(header: str, language: str | None) -> None:
    """RFC 9110 section 12.5.4."""
    assert preferred(header) == language


@given(st.text())
def test_no_header_can_break_it(header: str) -> None:
    """It is a hint; what comes of it fits the column."""
    found = preferred(header)

    assert found is None or len(found) <= LONGEST


def test_a_range_holds_its_countries_and_no_other_language() -> None:
    """RFC 4647 section 3.3.1: at subtags, and not in between."""
    assert is_in_range("en-GB", ["en"])
    assert is_in_range("en", ["cy", "en"])
    assert not is_in_range("en", ["en-GB"])
    assert not is_in_range("eng", ["en"])
    assert look_up(["eng"], "en") is None
