"""How a subscription is doing, as its owner is told; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

SILENT_AFTER: Final = 3
"""So many accepted in a row without a receipt are no accident any more."""


class Health(StrEnum):
    """What the owner of a subscription can expect of it."""

    WORKING = "working"
    """Something was shown, and what came since is on its way."""
    UNPROVEN = "unproven"
    """Nothing was shown yet, and nothing speaks against it."""
    FAILING = "failing"
    """The last push failed, or the last few were accepted and never shown."""
    OUTDATED_KEY = "outdated-key"
    """It still works, but the browser should subscribe anew with the present key."""
    ENDED = "ended"
    """It is pushed to no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What is known of how a subscription is doing.

    `accepted_unseen` counts what was accepted since the browser's last sign of life.
    """

    ended_at: datetime | None
    vapid_key: str
    last_accepted_at: datetime | None
    last_shown_at: datetime | None
    last_failure_at: datetime | None
    accepted_unseen: int


def health_of(signs: Signs, *, current_key: str) -> Health:
    """Say how a subscription is doing.

    What the owner has to do comes before what merely happened: an outdated key is told even where
    the last push failed, since subscribing anew is the remedy for both.
    """
    if signs.ended_at is not None:
        return Health.ENDED
    if signs.vapid_key != current_key:
        return Health.OUTDATED_KEY
    if _last_failed(signs) or signs.accepted_unseen >= SILENT_AFTER:
        return Health.FAILING
    return Health.UNPROVEN if signs.last_shown_at is None else Health.WORKING


def _last_failed(signs: Signs) -> bool:
    later = [at for at in (signs.last_accepted_at, signs.last_shown_at) if at is not None]
    return signs.last_failure_at is not None and all(at < signs.last_failure_at for at in later)


IN_WORDS: Final[Mapping[str, str]] = {
    "subscription-ended": "Your browser no longer takes messages from this service. "
    "Switch notifications off and on again.",
    "throttled": "Your browser's push service was busy and asked us to wait.",
    "push-service-failed": "Your browser's push service had a fault.",
    "timeout": "Your browser's push service did not answer in time.",
    "expired": "The message could not be handed over before its time had passed.",
    "payload-too-large": "The message was too long for your browser's push service.",
    "keys-unusable": "Your browser's keys cannot be used. Switch notifications off and on again.",
    "vapid-key-unknown": "Your browser subscribed with a key that this service no longer has. "
    "Switch notifications off and on again.",
    "key-mismatch": "Your browser subscribed with another key than this service signs with. "
    "Switch notifications off and on again.",
    "vapid-refused": "Your browser's push service did not accept our signature. "
    "The fault is on our side.",
}
"""What a sender's reasons mean to a citizen."""
OTHERWISE: Final = "The last message could not be handed to your browser's push service."
ENDED_IN_WORDS: Final[Mapping[str, str]] = {
    "unsubscribed": "You switched notifications off in this browser.",
    "replaced": "The browser has a new subscription, which took this one's place.",
    "too many": "You have notifications switched on in many browsers, and this one was not used "
    "for the longest time.",
    "gone": "The browser's push service said that the browser no longer takes messages.",
    "no sign of life": "Nothing we sent was shown for a long time, and the app was not opened in "
    "this browser.",
}
"""The same of the reasons for which subscriptions end."""


def failure_in_words(reason: str | None) -> str | None:
    """Say why a push failed; the push service's own words never come into it."""
    return None if reason is None else IN_WORDS.get(reason, OTHERWISE)


def end_in_words(reason: str | None) -> str | None:
    """Say why a subscription ended."""
    return None if reason is None else ENDED_IN_WORDS[reason]
