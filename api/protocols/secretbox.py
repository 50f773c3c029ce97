"""OwnTracks' encrypted payloads: libsodium's secretbox, XSalsa20 with Poly1305.

`{"_type": "encrypted", "data": base64(nonce || box)}`, the key filled up to 32 bytes with zeros:
https://owntracks.org/booklet/features/encrypt/.
"""

import json
from base64 import b64decode, b64encode

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from api.bodies import read_json
from api.problems import UnreadableBody
from api.protocols.reading import Dropped


def is_sealed(message: object) -> bool:
    """Tell whether a message is an encrypted one."""
    return isinstance(message, dict) and message.get("_type") == "encrypted"


def unseal(message: dict[str, object], key: str | None) -> object:
    """Return the message within an encrypted one.

    Args:
        message: The encrypted one.
        key: As the phone has it; None where it has none that we know.

    Raises:
        Dropped: It cannot be opened with this key, or holds no JSON.
    """
    if key is None:
        raise Dropped("no-key")
    data = message.get("data")
    try:
        sealed = b64decode(data, validate=True) if isinstance(data, str) else b""
        return read_json(_box(key).decrypt(sealed))
    except (CryptoError, ValueError) as error:
        raise Dropped("cannot-be-opened") from error
    except UnreadableBody as error:
        raise Dropped("not-an-object") from error


def seal(answer: object, key: str) -> dict[str, object]:
    """Return an answer encrypted; both apps read a whole array of messages in one."""
    sealed = _box(key).encrypt(json.dumps(answer).encode())
    return {"_type": "encrypted", "data": b64encode(sealed).decode()}


def _box(key: str) -> SecretBox:
    return SecretBox(key.encode().ljust(SecretBox.KEY_SIZE, b"\x00"))
