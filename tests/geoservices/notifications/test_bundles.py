"""What a bundle says, in the languages there are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.campaigns.rules import CampaignClass
from geoservices.notifications.bundles import APART, AT_ONE_PLACE, most_urgent, words

CRITICAL, OFFER, SERVICE = CampaignClass.CRITICAL, CampaignClass.OFFER, CampaignClass.SERVICE


@pytest.mark.parametrize(
    ("language", "here", "apart"),
    [
        pytest.param("en-GB", "3 things at X", "While you were away: 3 messages", id="English"),
        pytest.param("en-US", "3 things at X", "While you were away: 3 messages", id="American"),
        pytest.param("cy", "3 o bethau yn X", "Tra oeddech i ffwrdd: 3 neges", id="Welsh"),
        pytest.param("cy-GB", "3 o bethau yn X", "Tra oeddech i ffwrdd: 3 neges", id="in Britain"),
        pytest.param("gd", "3 things at X", "While you were away: 3 messages", id="not known"),
    ],
)
def test_a_bundle_speaks_the_language_of_its_person(language: str, here: str, apart: str) -> None:
    """It says how many there are, and where if it is one place; then one line for each."""
    titles = ["Meter reading", "Broken lamp", "Boiler"]

    assert words(titles, ["X"] * 3, language=language) == (here, "\n".join(titles))
    assert words(titles, ["X", "Y", "X"], language=language).title == apart
    assert words(titles, [None] * 3, language=language).title == apart


def test_every_language_has_both_forms() -> None:
    """So that nobody is told in two languages on two days."""
    assert AT_ONE_PLACE.keys() == APART.keys()


@given(st.lists(st.sampled_from(list(CampaignClass)), min_size=1))
def test_a_bundle_is_as_urgent_as_the_most_urgent_in_it(classes: list[CampaignClass]) -> None:
    """In whatever order they are."""
    found = most_urgent(classes)

    assert found in classes
    assert (found is CRITICAL) == (CRITICAL in classes)
    assert (found is OFFER) == (set(classes) == {OFFER})
