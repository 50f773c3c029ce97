"""Chains of entries, each of which holds the hash of the one before (docs/decisions/0038).

An entry's hash is the SHA-256 of its document as JSON in the one form that RFC 8785 leaves. So it
can be computed anew from what `GET /v1/audit` shows, by any program that knows the RFC.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import rfc8785

VERSION = 1
"""Of the document that is hashed; a later one may say more."""
BEGINNING = bytes(32)
"""What the first entry of a chain holds as the hash of the one before."""

Detail = str | int | bool | None
"""What an entry's detail may consist of: no numbers that two programs might write differently."""


class ActorKind(StrEnum):
    """By what somebody was known who did something."""

    SIGN_IN = "sign-in"
    """A member who signed in."""
    DEVICE = "device"
    """A person by a device of theirs."""
    KEY = "key"
    """A machine by its key."""
    PERSON = "person"
    """A person who was just found to be who they say, by a password or the like."""
    OPERATOR = "operator"
    """Whoever runs the service, by its commands."""
    NOBODY = "nobody"
    """Nobody who is known: the service by itself, or whoever was not let in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """That somebody did something, or was refused it.

    `credential_id` is that of a sign-in, device or key. `action` is the id of an operation of the
    API, or a word for what has none, and `rights` are those it took. `subjects` are `kind:id` of
    what it was done to; `status` is the HTTP status it was answered with, None outside of HTTP.
    An act has no names and no positions.
    """

    organisation_id: UUID | None
    at: datetime
    actor_kind: ActorKind
    person_id: UUID | None = None
    credential_id: UUID | None = None
    role: str | None = None
    action: str
    rights: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    status: int | None = None
    request_id: str | None = None
    detail: Mapping[str, Detail] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An act in its place in a chain; `hash` covers all the rest of it."""

    chain_id: UUID
    number: int
    act: Act
    previous_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """What a chain's entry of some number was found to be, and was kept elsewhere."""

    number: int
    hash: bytes


class ChainBroken(ValueError):
    """A chain is not as it was written; `number` is that of the first entry that shows it."""

    def __init__(self, number: int, why: str) -> None:
        self.number = number
        super().__init__(f"entry {number} {why}")


def document_of(chain_id: UUID, number: int, act: Act, previous_hash: bytes) -> dict[str, object]:
    """Return what is hashed of an entry: names, numbers, and hashes in lower-case hexadecimal."""
    return {
        "version": VERSION,
        "chain": str(chain_id),
        "number": number,
        "previous": previous_hash.hex(),
        "organisation": _text(act.organisation_id),
        "at": instant_text(act.at),
        "actor": {
            "kind": str(act.actor_kind),
            "person": _text(act.person_id),
            "credential": _text(act.credential_id),
            "role": act.role,
        },
        "action": act.action,
        "rights": list(act.rights),
        "subjects": list(act.subjects),
        "status": act.status,
        "request": act.request_id,
        "detail": dict(act.detail),
    }


def hash_of(chain_id: UUID, number: int, act: Act, previous_hash: bytes) -> bytes:
    """Return the SHA-256 of an entry's document in canonical JSON (RFC 8785), 32 bytes."""
    document = document_of(chain_id, number, act, previous_hash)
    return hashlib.sha256(rfc8785.dumps(document)).digest()  # type: ignore[arg-type]


def link(act: Act, *, chain_id: UUID, number: int, previous_hash: bytes) -> Entry:
    """Make an act the entry of that number of a chain."""
    return Entry(
        chain_id=chain_id,
        number=number,
        act=act,
        previous_hash=previous_hash,
        hash=hash_of(chain_id, number, act, previous_hash),
    )


def instant_text(at: datetime) -> str:
    """Write an instant as RFC 3339 has it, in UTC and with microseconds."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _text(id_: UUID | None) -> str | None:
    return None if id_ is None else str(id_)


@dataclass(slots=True)
class Follower:
    """Goes along a chain, and stops where it is not as it was written.

    `number` and `hash` are those of the last entry that was found whole; at first of the one
    before the first that is kept.
    """

    number: int
    hash: bytes
    anchors: Mapping[int, bytes] = field(default_factory=dict)

    def follow(self, entry: Entry) -> None:
        """Go on to the next entry that there is.

        Raises:
            ChainBroken: It is not the next one, or not as it was written.
        """
        due = self.number + 1
        if entry.number < due:
            raise ChainBroken(entry.number, "was pruned before, and is there again")
        if entry.number > due:
            raise ChainBroken(due, "is missing")
        if entry.hash != hash_of(entry.chain_id, entry.number, entry.act, entry.previous_hash):
            raise ChainBroken(due, "was changed")
        if entry.previous_hash != self.hash:
            raise ChainBroken(due, f"does not follow entry {self.number} as it is now")
        if self.anchors.get(due, entry.hash) != entry.hash:
            raise ChainBroken(due, "is not the one whose hash was kept elsewhere")
        self.number, self.hash = entry.number, entry.hash

    def end(self, head: Anchor) -> None:
        """Compare the end that was come to with where the chain says it ends.

        Raises:
            ChainBroken: Entries are missing at the end, or there are more than were written.
        """
        latest = max(self.anchors, default=0)
        if self.number < max(head.number, latest):
            raise ChainBroken(self.number + 1, "is missing, and all after it")
        if self.number > head.number:
            raise ChainBroken(head.number + 1, "is one more than were written")
        if self.hash != head.hash:
            raise ChainBroken(head.number, "is not the one that was written last")
