"""Members, teams and reach on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, StringConstraints

from api.schemas.common import In, Name, Out, Text
from geoservices.access.reach import LONGEST_TAG, MOST_TAGS, Reach, normal_tag, read_reach
from geoservices.access.rights import Role
from geoservices.accounts.models import Person
from geoservices.members.models import Team
from geoservices.members.rules import MemberDraft


def _address(value: str) -> str:
    try:
        return validate_email(value, check_deliverability=False).normalized.lower()
    except EmailNotValidError as error:
        raise ValueError("must be an e-mail address such as anna@example.org") from error


MemberRole = Literal[Role.STAFF, Role.TEAM_LEAD, Role.MANAGER, Role.ADMIN, Role.KIOSK, Role.AUDITOR]
Address = Annotated[Text, StringConstraints(max_length=254), AfterValidator(_address)]
Tag = Annotated[
    Text,
    AfterValidator(normal_tag),
    StringConstraints(min_length=1, max_length=LONGEST_TAG),
    Field(examples=["central"], description="An organisation's own word, in lower case"),
]
Tags = Annotated[list[Tag], Field(max_length=MOST_TAGS)]
Skills = Annotated[
    list[Tag],
    Field(max_length=MOST_TAGS, description="What they can do, which tasks may ask for"),
]


class ReachIn(In):
    """The places to which somebody is limited: those with one of the tags, and those in the area.

    Tags count at the organisation's own places, the area at those of partners too.
    """

    tags: Tags = Field(default_factory=list)
    area: dict[str, Any] | None = Field(
        default=None, description="A GeoJSON Polygon or MultiPolygon, in degrees on WGS 84"
    )

    def to_reach(self) -> Reach:
        """Read it.

        Raises:
            ReachRefused: It names nothing, or the area is none.
        """
        return read_reach(self.tags, self.area)


class ReachOut(Out):
    """The places to which somebody is limited."""

    tags: list[str]
    area: dict[str, Any] | None

    @classmethod
    def of(cls, reach: Reach | None) -> Self | None:
        """Show a reach; null is no limit."""
        return None if reach is None else cls.model_validate(reach.stored())


class MemberIn(In):
    """Somebody who shall belong to the organisation."""

    id: UUID | None = Field(default=None, description="The client's own, to send it again safely")
    name: Name
    role: MemberRole
    email: Address | None = Field(default=None, description="By which they sign in")
    team_ids: list[UUID] = Field(default_factory=list, max_length=100)
    reach: ReachIn | None = Field(default=None, description="Only for managers; null is no limit")
    skills: Skills = Field(default_factory=list)

    def to_draft(self) -> MemberDraft:
        """Say it in the domain's words."""
        return MemberDraft(
            name=self.name,
            role=self.role,
            email=self.email,
            team_ids=frozenset(self.team_ids),
            reach=self.reach.to_reach() if self.reach else None,
            skills=frozenset(self.skills),
        )


class MemberChangeIn(In):
    """What shall be different about a member; what is left out stays."""

    name: Name = ""
    role: MemberRole = Role.STAFF
    email: Address | None = None
    team_ids: list[UUID] = Field(default_factory=list, max_length=100)
    reach: ReachIn | None = None
    skills: Skills = Field(default_factory=list)
    disabled: bool = Field(
        default=False, strict=True, description="Whether they are let in nowhere"
    )

    def changes(self) -> dict[str, object]:
        """Return what was sent, in the domain's words."""
        said: dict[str, object] = {
            "name": self.name,
            "role": self.role,
            "email": self.email,
            "team_ids": frozenset(self.team_ids),
            "reach": self.reach.to_reach() if self.reach else None,
            "skills": frozenset(self.skills),
            "disabled": self.disabled,
        }
        return {name: said[name] for name in self.model_fields_set}


class MemberOut(Out):
    """A member."""

    id: UUID
    name: str
    role: Role
    email: str | None
    team_ids: list[UUID]
    reach: ReachOut | None
    skills: list[str]
    disabled: bool
    created_at: datetime

    @classmethod
    def of(cls, member: Person, draft: MemberDraft) -> Self:
        """Show a member, who is as the draft says."""
        return cls(
            id=member.id,
            name=draft.name,
            role=draft.role,
            email=draft.email,
            team_ids=sorted(draft.team_ids),
            reach=ReachOut.of(draft.reach),
            skills=sorted(draft.skills),
            disabled=draft.disabled,
            created_at=member.created_at,
        )


class TeamIn(In):
    """A team."""

    id: UUID | None = Field(default=None, description="The client's own, to send it again safely")
    name: Name


class TeamChangeIn(In):
    """Another name for a team."""

    name: Name


class TeamOut(Out):
    """A team."""

    id: UUID
    name: str
    created_at: datetime

    @classmethod
    def of(cls, team: Team) -> Self:
        """Show a team."""
        return cls.model_validate(team)
