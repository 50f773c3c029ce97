"""Texts cut between characters as people see them, so that none loses an accent or a part."""

import unicodedata
from typing import Final

ELLIPSIS: Final = "…"
"""What a text ends in that was cut."""
_JOINER: Final = "\u200d"
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS: Final = "".join(map(chr, range(0x1F1E6, 0x1F200)))
"""Two of them are one flag."""


def cut(text: str, length: int) -> str:
    """Return the first characters of a text, of `length` code points at most, and an ellipsis.

    They end where neither a letter loses its accents nor an emoji its parts, as far as that
    can be told without tables: the clusters of Unicode Standard Annex 29 without those of
    Hangul letters, whose syllables are one character each in ordinary text.

    Args:
        text: What is longer than `length`.
        length: How much of it is kept at most, without the ellipsis.
    """
    while length and _holds_together(text, length):
        length -= 1
    return text[:length].rstrip() + ELLIPSIS


def _holds_together(text: str, index: int) -> bool:
    """Tell whether a cut before `index` would go through one character as people see it."""
    after, before = text[index], text[index - 1]
    if unicodedata.category(after).startswith("M") or after == _JOINER:
        return True
    if before == _JOINER or ord(after) in _SKIN_TONES:
        return True
    letters = index - len(text[:index].rstrip(_FLAG_LETTERS))
    return after in _FLAG_LETTERS and letters % 2 == 1
