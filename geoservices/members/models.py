"""Teams, and who is in them; members themselves are people (`accounts.models.Person`)."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base
from geoservices.register import Basis, about, not_personal, personal


class Team(Base):
    """Some of an organisation's members, of whom its team leads see one another."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("organisation_id", "name"), {"info": not_personal})

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class TeamMember(Base):
    """That a member is in a team of the same organisation."""

    __tablename__ = "team_members"
    __table_args__ = ({"info": about(purpose="know who works with whom", basis=Basis.PUBLIC_TASK)},)

    team_id: Mapped[UUID] = mapped_column(
        ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True, info=personal("in which team")
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
        info=personal("who"),
    )
