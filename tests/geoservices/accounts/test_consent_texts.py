"""What people were asked stays as it was, and is written so that a child can read it."""

import re

import pytest

from geoservices.accounts.consent_texts import PUBLISHED, WELSH, PublishedText
from geoservices.accounts.consents import TEXTS, published
from geoservices.accounts.models import Purpose
from geoservices.errors import NotFound
from geoservices.languages import ENGLISH

DIGESTS = {
    (
        Purpose("check-in-content"),
        "2026-11",
        "en-GB",
    ): "2f4522f8e1c399e42d504a7587d5797e74cd3a5010ee7055a3a2335702b8ac6c",
    (
        Purpose("nearby"),
        "2026-11",
        "en-GB",
    ): "8a5120c04deeaf307fcda31674152ba74cb4bfff1e744ca6f34afd927ef59cbb",
    (
        Purpose("staff-tasks"),
        "2026-11",
        "en-GB",
    ): "31944d2f09d4b4973ca866560a81a989c6a8cfb83608b3a7bd0a554c8642e6bd",
    (
        Purpose("check-in-content"),
        "2026-12",
        "en-GB",
    ): "91f2d04ed8f51a3d8114c57bfb73c846d6d05db7e72b90004702cd8f59562ec9",
    (
        Purpose("nearby"),
        "2026-12",
        "en-GB",
    ): "93ac60714ebcfb2d99d7c6f6b01a9c21b6b01832340d55d54c1bfc28c3cc835d",
    (
        Purpose("staff-tasks"),
        "2026-12",
        "en-GB",
    ): "f1636224cc82d62a6d58e59193351c8752fb28e22d8910c2723df8738070ad6e",
    (
        Purpose("statistics"),
        "2026-12",
        "en-GB",
    ): "627cd28cb8a4f93b3468d91a4bc3449b3f237785ac50d2c98b43749025b1316b",
    (
        Purpose("email"),
        "2026-12",
        "en-GB",
    ): "e4db1835c73b35aec56a8e085145e96a8af8964cff21c79e90fb4771ff877e13",
    (
        Purpose("check-in-content"),
        "2027-01",
        "en-GB",
    ): "09221fd5e0d942a6923f8990427b5fdbc8793f90dcbd4929f7a73d97ee455d87",
    (
        Purpose("staff-tasks"),
        "2027-01",
        "en-GB",
    ): "7c30dc383d2325c2e210038e2a3d161179942db597127860751ac5c5ebb29016",
    (
        Purpose("nearby"),
        "2027-01",
        "en-GB",
    ): "fb397612eed69e46735de192e1028f9e24adf8e55712ba2ffd0853f7c0bd24e7",
    (
        Purpose("statistics"),
        "2027-01",
        "en-GB",
    ): "5a0bf63bf5ca2ada2ee41d0d5133d419192021099a672f0ddea92d4128451c7e",
    (
        Purpose("check-in-content"),
        "2027-01",
        "cy",
    ): "b342d5d613f391c2318d916877cf140f5997f182d0f44b828ef00967e99800c0",
    (
        Purpose("staff-tasks"),
        "2027-01",
        "cy",
    ): "5a17dabc716ea11d9570b96f94a56a9e9ec0be0d8aa2b641c78e5be67dff561f",
    (
        Purpose("nearby"),
        "2027-01",
        "cy",
    ): "6754ca3d35ad926bc300d132c99dfbbf46bb76117b2320f1afdeaa1dc50fe647",
    (
        Purpose("statistics"),
        "2027-01",
        "cy",
    ): "8cefaee7b06a3fc5fb4aad4efd54500a2e4e67656cdcaafd2a80c35ff8109403",
    (
        Purpose("email"),
        "2026-12",
        "cy",
    ): "783e8e4c2d866d650883704f5b2371e20ab67da160d491852abbc2aa033d3f51",
}
"""Of every text that was ever published. Lines are added here, and none is ever changed."""


def test_a_published_text_never_changes() -> None:
    """Whoever wants other words publishes a text with a version of its own, and adds a line."""
    told = {(one.purpose, one.version, one.language): one.digest.hex() for one in PUBLISHED}

    assert len(told) == len(PUBLISHED)
    assert told == DIGESTS


def test_every_purpose_has_a_text_in_english() -> None:
    """The last one is asked."""
    assert set(TEXTS) == set(Purpose)
    for purpose, text in TEXTS.items():
        assert published(purpose, text.version)[ENGLISH].text == text.text
    with pytest.raises(NotFound):
        published(Purpose.NEARBY, "1999-12")


def test_what_is_asked_now_is_asked_in_welsh_too() -> None:
    """With the same periods as in English, since both are agreed to alike."""
    for text in TEXTS.values():
        numbers = {language: re.findall(r"\d+", words) for language, words in text.texts.items()}
        assert set(numbers) >= {ENGLISH, WELSH}
        assert numbers[WELSH] == numbers[ENGLISH]


@pytest.mark.parametrize("one", [one for one in PUBLISHED if one.language == ENGLISH])
def test_texts_are_plain(one: PublishedText) -> None:
    """A reading age of 11 at most, which is grade 6: Flesch and Kincaid's formula (1975)."""
    sentences = [part for part in re.split(r"[.!?]\s*", one.text) if part]
    words = re.findall(r"[A-Za-z'-]+", one.text)
    syllables = sum(_syllables(word) for word in words)

    grade = 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59

    assert grade <= 6.5 or one.version == "2026-11"
    assert max(len(sentence.split()) for sentence in sentences) <= 25


def _syllables(word: str) -> int:
    """Groups of vowels, without an e that is not heard at the end."""
    groups = re.findall(r"[aeiouy]+", re.sub(r"(?<=[^aeiouyl])(e|es|ed)$", "", word.lower()))
    return max(1, len(groups))
