"""What of an account can change that its member is told of."""

from enum import StrEnum


class Change(StrEnum):
    """How an account is let into otherwise than before."""

    PASSWORD_SET = "password-set"  # noqa: S105  # The words, not one of them.
    SECOND_FACTOR_ON = "second-factor-on"
    SECOND_FACTOR_OFF = "second-factor-off"
