"""Passwords hashed with argon2id (RFC 9106), which takes time and memory on purpose."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from geoservices.credentials.rules import normal
from geoservices.settings.entering import SignInSettings


class Hasher:
    """Hashes and checks passwords with the settings' parameters."""

    def __init__(self, settings: SignInSettings) -> None:
        """Take the parameters; one hash is made at once, of a password that nobody has."""
        self._hasher = PasswordHasher(
            time_cost=settings.hash_rounds,
            memory_cost=settings.hash_memory_kib,
            parallelism=1,
        )
        self._nobodys = self._hasher.hash(secrets.token_bytes(32))

    def hash(self, password: str) -> str:
        """Return the hash of a password, with its salt and parameters in it."""
        return self._hasher.hash(normal(password))

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Tell whether a password is the one that was hashed.

        Without a hash it never is, and finding that out takes as long.
        """
        try:
            self._hasher.verify(password_hash or self._nobodys, normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether a hash was made with other parameters than those in force."""
        return self._hasher.check_needs_rehash(password_hash)
