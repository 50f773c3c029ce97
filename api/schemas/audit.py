"""The audit log on the wire."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query
from pydantic import Field

from api.schemas.common import Instant, Out
from geoservices.audit.chaining import ActorKind, Entry
from geoservices.audit.queries import Wanted


class AuditActorOut(Out):
    """Who did it, by ids alone."""

    kind: ActorKind
    person_id: UUID | None
    credential_id: UUID | None = Field(description="Of the sign-in, device or key they came by")
    role: str | None = Field(description="What they were at the time")


class AuditEntryOut(Out):
    """One entry, with all that its hash covers (docs/decisions/0038)."""

    number: int = Field(description="Which entry of the chain; grows by one")
    chain_id: UUID
    organisation_id: UUID | None
    at: datetime
    actor: AuditActorOut
    action: str = Field(description="The operation's id, or a word for what is none")
    rights: list[str]
    subjects: list[str] = Field(description="What it was done to, as `kind:id`")
    status: int | None = Field(description="The HTTP status; null outside of HTTP")
    request_id: str | None
    detail: dict[str, Any]
    previous_hash: str = Field(description="SHA-256 of the entry before, in hexadecimal")
    hash: str = Field(description="SHA-256 of this one, in hexadecimal")

    @classmethod
    def of(cls, entry: Entry) -> "AuditEntryOut":
        """Show an entry."""
        act = entry.act
        return cls(
            number=entry.number,
            chain_id=entry.chain_id,
            organisation_id=act.organisation_id,
            at=act.at,
            actor=AuditActorOut(
                kind=act.actor_kind,
                person_id=act.person_id,
                credential_id=act.credential_id,
                role=act.role,
            ),
            action=act.action,
            rights=list(act.rights),
            subjects=list(act.subjects),
            status=act.status,
            request_id=act.request_id,
            detail=dict(act.detail),
            previous_hash=entry.previous_hash.hex(),
            hash=entry.hash.hex(),
        )


class RedactedEntryOut(Out):
    """One entry as an answer to a request for information shows it (docs/audit.md)."""

    number: int = Field(description="Which entry of the chain; grows by one")
    at: str = Field(description="In UTC, to the minute")
    actor: str = Field(description="`member 1` and so on: the same number is the same person")
    role: str | None
    action: str
    rights: list[str]
    subjects: list[str]
    status: int | None = Field(description="The HTTP status; null outside of HTTP")


def read_period(
    from_: Annotated[
        Instant | None, Query(alias="from", description="Entries of this instant or later")
    ] = None,
    until: Annotated[Instant | None, Query(description="Entries before this instant")] = None,
) -> Wanted:
    """Read from when until when entries are wanted."""
    return Wanted(since=from_, until=until)


def read_wanted(
    period: Annotated[Wanted, Depends(read_period)],
    actor: Annotated[
        UUID | None, Query(description="Of this person, or by this sign-in, device or key")
    ] = None,
    action: Annotated[
        str | None, Query(pattern=r"^[a-z][a-z_-]*$", max_length=60, description="Only of this")
    ] = None,
    subject: Annotated[
        str | None,
        Query(pattern=r"^[a-z-]+:[0-9a-f-]{36}$", max_length=80, description="As `kind:id`"),
    ] = None,
) -> Wanted:
    """Read which entries are wanted."""
    return replace(period, actor_id=actor, action=action, subject=subject)
