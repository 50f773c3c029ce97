"""What an answer to a request for information may show of the log: what was done, not by whom.

People become numbers within one answer, in the order in which they first occur, and whatever leads
back to a person or tells one moment from another is left out. docs/audit.md has the table.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC

from geoservices.audit.chaining import Act, ActorKind, Entry

PUBLIC_KINDS = frozenset(
    {"organisation", "place", "geofence", "code", "listing", "campaign", "team", "key"}
)
"""Kinds of subjects that are an organisation's and nobody's own; their ids are left as they are."""
WORDS = {
    ActorKind.SIGN_IN: "member",
    ActorKind.DEVICE: "device",
    ActorKind.PERSON: "person",
    ActorKind.KEY: "machine",
    ActorKind.OPERATOR: "operator",
    ActorKind.NOBODY: "service",
}
"""What stands for whoever is no person that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactedEntry:
    """An entry as anybody may read it; `at` is in UTC, to the minute."""

    number: int
    at: str
    actor: str
    role: str | None
    action: str
    rights: tuple[str, ...]
    subjects: tuple[str, ...]
    status: int | None


@dataclass(slots=True)
class Redaction:
    """One answer's numbers for people and for what is theirs; it knows them while it is made."""

    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def redact(self, entries: Iterable[Entry]) -> Iterator[RedactedEntry]:
        """Yield the entries with whatever is personal in them replaced or left out."""
        for entry in entries:
            act = entry.act
            yield RedactedEntry(
                number=entry.number,
                at=act.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ"),
                actor=self._actor(act),
                role=act.role,
                action=act.action,
                rights=act.rights,
                subjects=tuple(self._subject(subject) for subject in act.subjects),
                status=act.status,
            )

    def _actor(self, act: Act) -> str:
        if act.person_id is not None:
            word = "citizen" if act.organisation_id is None else "member"
            return self._numbered(word, str(act.person_id))
        word = WORDS[act.actor_kind]
        return word if act.credential_id is None else self._numbered(word, str(act.credential_id))

    def _subject(self, subject: str) -> str:
        kind, _, id_ = subject.partition(":")
        if kind in PUBLIC_KINDS:
            return subject
        # Who did something here and had something done to them there is one and the same.
        if kind in {"person", "member"} and ("member", id_) in self.numbers:
            kind = "member"
        return self._numbered(kind, id_)

    def _numbered(self, word: str, id_: str) -> str:
        if (word, id_) not in self.numbers:
            self.counts[word] = self.numbers[word, id_] = self.counts.get(word, 0) + 1
        return f"{word} {self.numbers[word, id_]}"
