"""New keys in place of those there are, which go among the keys of before."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from geoservices.codes.links import make_code_key
from geoservices.push.vapid import make_vapid_key
from geoservices.settings.service import Settings

KeyName = Literal["vapid", "codes", "sign-in"]


@dataclass(frozen=True, slots=True)
class Place:
    """Which settings hold a key and those of before, and what is made with it."""

    setting: str
    old_setting: str
    made_with_it: str


PLACES: Mapping[KeyName, Place] = {
    "vapid": Place(
        "GEOSERVICES_PUSH__VAPID_PRIVATE_KEY",
        "GEOSERVICES_PUSH__VAPID_OLD_PRIVATE_KEYS",
        "pushes are signed; browsers change over by themselves (`geoservices push keys`)",
    ),
    "codes": Place(
        "GEOSERVICES_CODES__KEY",
        "GEOSERVICES_CODES__OLD_KEYS",
        "codes, receipts, links in letters and the list of who was erased; what was made with a "
        "key of before is read for as long as that is listed",
    ),
    "sign-in": Place(
        "GEOSERVICES_SIGN_IN__KEY",
        "GEOSERVICES_SIGN_IN__OLD_KEYS",
        "second factors; each is sealed anew at its member's next sign-in",
    ),
}


def rotated(name: KeyName, settings: Settings) -> str:
    """Return the two lines for the environment that put a new key in the place of the present one.

    Args:
        name: Which key.
        settings: As they are now; nothing is changed.
    """
    place, (present, old) = PLACES[name], keys_of(name, settings)
    new = make_vapid_key() if name == "vapid" else make_code_key()
    before = [*([present] if present else []), *old]
    return f"{place.setting}={new}\n{place.old_setting}={json.dumps(before)}"


def keys_of(name: KeyName, settings: Settings) -> tuple[str | None, list[str]]:
    """Return a key that there is now, if any, and those of before."""
    push, codes, sign_in = settings.push, settings.codes, settings.sign_in
    held: Mapping[KeyName, tuple[SecretStr | None, Sequence[SecretStr]]] = {
        "vapid": (push.vapid_private_key, push.vapid_old_private_keys),
        "codes": (codes.key, codes.old_keys),
        "sign-in": (sign_in.key, sign_in.old_keys),
    }
    present, old = held[name]
    return present.get_secret_value() if present else None, [key.get_secret_value() for key in old]


def report(settings: Settings) -> str:
    """Say of each key what is made with it and how many of before are still read."""
    lines = []
    for name, place in PLACES.items():
        present, old = keys_of(name, settings)
        state = f"present; of before: {len(old)}" if present else "none"
        lines.append(f"{name}: {state}. {place.made_with_it}")
    return "\n".join(lines)
