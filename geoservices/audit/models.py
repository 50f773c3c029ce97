"""The chains of the audit log and their entries. The database refuses to change either."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.audit.chaining import ActorKind
from geoservices.database import Base, one_of
from geoservices.register import Basis, Kept, about, not_personal, personal

OF_THE_LOG = about(
    purpose="be able to show who read or changed what (Art. 5(2), 32)",
    basis=Basis.PUBLIC_TASK,
    kept=Kept(setting="audit.retention", words="after it was written"),
)


class AuditChain(Base):
    """Where a chain of entries begins and ends; there is one for each organisation.

    Its id is the organisation's, which it outlives; that of the installation's own is
    `service.OF_THE_INSTALLATION`. Entries before `first_number` were pruned, and `before_hash` is
    that of the last of these.
    """

    __tablename__ = "audit_chains"
    __table_args__ = (
        CheckConstraint("organisation_id = id", name="named_after_its_organisation"),
        CheckConstraint("first_number BETWEEN 1 AND last_number + 1", name="begins_before_it_ends"),
        {"info": not_personal},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID | None] = mapped_column(unique=True)
    last_number: Mapped[int] = mapped_column(BigInteger)
    last_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    first_number: Mapped[int] = mapped_column(BigInteger)
    before_hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditEntry(Base):
    """One act of somebody's (`chaining.Act`), in its place in a chain.

    It refers to people and things by their ids alone, without foreign keys: it outlives them.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        CheckConstraint(one_of("actor_kind", ActorKind), name="actor_kind_known"),
        Index("ix_audit_entries_at", "chain_id", "at"),
        Index("ix_audit_entries_person", "person_id", postgresql_where="person_id IS NOT NULL"),
        Index("ix_audit_entries_subjects", "subjects", postgresql_using="gin"),
        {"info": OF_THE_LOG},
    )

    chain_id: Mapped[UUID] = mapped_column(
        ForeignKey("audit_chains.id"), primary_key=True, info=personal("whose chain it is in")
    )
    number: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, info=personal("the entry's number")
    )
    organisation_id: Mapped[UUID | None] = mapped_column(info=personal("whose log it is in"))
    at: Mapped[datetime] = mapped_column(info=personal("when"))
    actor_kind: Mapped[str] = mapped_column(
        String(20), info=personal("by what whoever did it was known")
    )
    person_id: Mapped[UUID | None] = mapped_column(info=personal("who did it; never a name"))
    credential_id: Mapped[UUID | None] = mapped_column(
        info=personal("by which sign-in, device or key")
    )
    role: Mapped[str | None] = mapped_column(String(20), info=personal("in which role"))
    action: Mapped[str] = mapped_column(String(60), info=personal("what they did"))
    rights: Mapped[list[str]] = mapped_column(
        ARRAY(String(40)), info=personal("by which rights of theirs")
    )
    subjects: Mapped[list[str]] = mapped_column(
        ARRAY(String(80)), info=personal("what to, by kind and id")
    )
    status: Mapped[int | None] = mapped_column(SmallInteger, info=personal("what came of it"))
    request_id: Mapped[str | None] = mapped_column(
        String(40), info=personal("which request it was")
    )
    detail: Mapped[dict[str, Any]] = mapped_column(
        JSONB, info=personal("what else there is to say; no names and no positions")
    )
    previous_hash: Mapped[bytes] = mapped_column(
        LargeBinary(32), info=personal("the hash of the entry before")
    )
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), info=personal("the hash of all the rest"))
