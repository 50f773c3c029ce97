"""Topics, and who wants to hear of them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base
from geoservices.register import Basis, Kept, about, not_personal, personal

LONGEST_KEY = 40


class Topic(Base):
    """Something that an organisation tells people of, who may choose to hear of it.

    `key` is the organisation's own word for it, `names` what people read, by language.
    """

    __tablename__ = "topics"
    __table_args__ = ({"info": not_personal},)

    organisation_id: Mapped[UUID] = mapped_column(
        ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(LONGEST_KEY), primary_key=True)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    created_at: Mapped[datetime]


class Interest(Base):
    """That a person wants to hear of a topic; it goes with the topic."""

    __tablename__ = "interests"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organisation_id", "topic"],
            ["topics.organisation_id", "topics.key"],
            name="fk_interests_topic",
            ondelete="CASCADE",
        ),
        Index("ix_interests_topic", "organisation_id", "topic"),
        {
            "info": about(
                purpose="tell people what they want to hear of, and spare them the rest",
                basis=Basis.CONSENT,
                kept=Kept(
                    words="until they choose otherwise, the topic is taken away, or all consents "
                    "to be told of things are withdrawn"
                ),
            )
        },
    )

    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal("who wants to hear of it"),
    )
    organisation_id: Mapped[UUID] = mapped_column(
        primary_key=True, info=personal("whose topic it is")
    )
    topic: Mapped[str] = mapped_column(
        String(LONGEST_KEY), primary_key=True, info=personal("of what", special=True)
    )
    chosen_at: Mapped[datetime] = mapped_column(info=personal("since when"))
