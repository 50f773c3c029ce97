"""Which VAPID keys are in use, so that an operator sees when an old one has served its time."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy.orm import Session

from geoservices.push.vapid import short_key, vapid_public_key
from geoservices.settings.sending import PushSettings
from geoservices.subscriptions import queries


def report(session: Session, push: PushSettings) -> str:
    """Say of each key how many living subscriptions were made with it, and what to do about it."""
    secrets = (push.vapid_private_key, *push.vapid_old_private_keys)
    keys = [
        vapid_public_key(push.model_copy(update={"vapid_private_key": secret}))
        for secret in secrets
    ]
    return "\n".join(lines_of(keys, queries.living_by_key(session)))


def lines_of(keys: Sequence[str], living: Mapping[str, int]) -> Iterator[str]:
    """Yield a line for each key.

    Args:
        keys: The public keys to the private ones in the settings: the present one, then those of
            before in their order.
        living: How many living subscriptions each key has.
    """
    yield _line(keys[0], living, "the present key")
    for number, key in enumerate(keys[1:], start=1):
        if key in keys[:number]:
            advice = "it is in the settings twice: drop this one"
        elif not living.get(key):
            advice = "it has drained: drop it"
        else:
            advice = "still needed"
        yield _line(key, living, f"old key {number}; {advice}")
    for key in sorted(living.keys() - set(keys)):
        yield _line(
            key,
            living,
            "WARNING: unknown; nothing can be pushed to these until its private key is added to "
            "the old ones",
        )


def _line(key: str, living: Mapping[str, int], told: str) -> str:
    return f"{short_key(key)}  living subscriptions: {living.get(key, 0)}  {told}"
