"""What a username and a password may be (NIST SP 800-63B section 5.1.1.2, OWASP ASVS 2.1)."""

import re
import unicodedata
from collections.abc import Collection
from typing import Final

from zxcvbn import zxcvbn

from geoservices.errors import ErrorKind, GeoservicesError

SHORTEST: Final = 12
LONGEST: Final = 128
"""Characters of a password."""
JUDGED: Final = 72
"""So many characters are judged; more take long to judge, and nobody guesses them for their end."""
LEAST_SCORE: Final = 4
"""Of zxcvbn's 0 to 4: at least 10^10 guesses. Names of member and organisation joined have 3."""
USERNAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,252}[a-z0-9])")


class PasswordRefused(GeoservicesError):
    """The password is too short, too common or too easy to guess; nothing was changed."""

    kind = ErrorKind.INVALID
    code = "password-refused"
    title = "Choose another password"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="/password")


class UsernameRefused(GeoservicesError):
    """No username can be made of it; nothing was stored."""

    kind = ErrorKind.INVALID
    code = "username-refused"
    title = "This cannot be a username"

    def __init__(self) -> None:
        super().__init__(
            "Give 2 to 254 letters (a to z), digits, or . _ @ + - between them; an e-mail address "
            "will do.",
            field="/username",
        )


def read_username(text: str) -> str:
    """Return a username as it is kept: in small letters.

    Raises:
        UsernameRefused: It has other characters, too few or too many.
    """
    username = fold(text)
    if not USERNAME.fullmatch(username):
        raise UsernameRefused
    return username


def fold(text: str) -> str:
    """Return whatever somebody typed for a username in the way usernames are compared."""
    return text.strip().lower()


def normal(password: str) -> bytes:
    """Return a password as it is hashed: the same however a keyboard composes its letters.

    That is UTF-8 of the normalisation form NFKC, as SP 800-63B has it.
    """
    return unicodedata.normalize("NFKC", password).encode()


def check_password(password: str, *, about: Collection[str]) -> None:
    """Refuse a password that others guess before long; which characters it has does not matter.

    Args:
        password: What was typed.
        about: What is known of the member and is therefore tried first: names, the organisation.

    Raises:
        PasswordRefused: It is refused; the message says what would be better.
    """
    if len(unicodedata.normalize("NFKC", password)) < SHORTEST:
        raise PasswordRefused(f"It needs at least {SHORTEST} characters. A few words will do.")
    if len(password) > LONGEST:
        raise PasswordRefused(f"At most {LONGEST} characters are taken.")
    words = {word for text in about for word in (text, *re.split(r"\W+", text)) if len(word) > 2}  # noqa: PLR2004
    judged = zxcvbn(password[:JUDGED], user_inputs=sorted(words))
    if judged["score"] < LEAST_SCORE:
        reason = judged["feedback"]["warning"] or "This is easy to guess."
        raise PasswordRefused(f"{reason} Take four words that have nothing to do with each other.")
