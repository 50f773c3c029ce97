"""What is asked of members and teams."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, exists, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from geoservices.access.rights import Role
from geoservices.accounts.models import Person
from geoservices.members.models import Team, TeamMember


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a member must be like to be listed; None asks for nothing.

    `teams_of` is whoever asks, if they see only those who share a team with them.
    """

    teams_of: UUID | None = None
    text: str | None = None
    role: Role | None = None
    team_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AfterName:
    """The last entry of a page in the order of names."""

    name: str
    id: UUID


def members(
    session: Session,
    organisation_id: UUID,
    wanted: Wanted,
    *,
    after: AfterName | None,
    limit: int,
) -> Sequence[Person]:
    """Return members in the order of their names, disabled ones too."""
    called = func.coalesce(Person.name, "")
    found = select(Person).where(Person.organisation_id == organisation_id, *_fits(wanted))
    if after is not None:
        found = found.where(tuple_(called, Person.id) > (after.name, after.id))
    return session.scalars(found.order_by(called, Person.id).limit(limit)).all()


def member(
    session: Session, organisation_id: UUID, person_id: UUID, *, teams_of: UUID | None
) -> Person | None:
    """Return one of an organisation's members."""
    return session.scalars(
        select(Person).where(
            Person.id == person_id,
            Person.organisation_id == organisation_id,
            *_fits(Wanted(teams_of=teams_of)),
        )
    ).one_or_none()


def is_known(session: Session, person_id: UUID) -> bool:
    """Tell whether anybody has this id."""
    return session.scalar(select(exists().where(Person.id == person_id))) is True


def email_of_another(session: Session, organisation_id: UUID, email: str, person_id: UUID) -> bool:
    """Tell whether another member of the organisation has the address."""
    others = exists().where(
        Person.organisation_id == organisation_id, Person.email == email, Person.id != person_id
    )
    return session.scalar(select(others)) is True


def teams_of_members(
    session: Session, person_ids: Collection[UUID]
) -> Mapping[UUID, frozenset[UUID]]:
    """Return the ids of each person's teams; who is in none is left out."""
    rows = session.execute(
        select(TeamMember.person_id, func.array_agg(TeamMember.team_id))
        .where(TeamMember.person_id.in_(person_ids))
        .group_by(TeamMember.person_id)
    )
    return {person_id: frozenset(team_ids) for person_id, team_ids in rows}


def people_in(session: Session, team_ids: Collection[UUID]) -> frozenset[UUID]:
    """Return whoever is in one of these teams."""
    rows = session.scalars(select(TeamMember.person_id).where(TeamMember.team_id.in_(team_ids)))
    return frozenset(rows)


def skills_of(session: Session, person_id: UUID) -> frozenset[str]:
    """Return what somebody can do."""
    return frozenset(session.scalars(select(Person.skills).where(Person.id == person_id)).one())


def put_into_teams(session: Session, person_id: UUID, team_ids: Collection[UUID]) -> None:
    """Let somebody be in these teams and no other."""
    session.execute(
        delete(TeamMember).where(
            TeamMember.person_id == person_id, TeamMember.team_id.not_in(team_ids)
        )
    )
    if team_ids:
        rows = [{"team_id": team_id, "person_id": person_id} for team_id in team_ids]
        session.execute(insert(TeamMember).values(rows).on_conflict_do_nothing())


def teams(
    session: Session,
    organisation_id: UUID,
    *,
    teams_of: UUID | None,
    after: AfterName | None,
    limit: int,
) -> Sequence[Team]:
    """Return an organisation's teams in the order of their names."""
    found = _teams(organisation_id, teams_of)
    if after is not None:
        found = found.where(tuple_(Team.name, Team.id) > (after.name, after.id))
    return session.scalars(found.order_by(Team.name, Team.id).limit(limit)).all()


def team(
    session: Session, organisation_id: UUID, team_id: UUID, *, teams_of: UUID | None
) -> Team | None:
    """Return one of an organisation's teams."""
    found = _teams(organisation_id, teams_of).where(Team.id == team_id)
    return session.scalars(found).one_or_none()


def known_teams(session: Session, organisation_id: UUID, team_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the ids that are teams of the organisation's, and keep them there."""
    return set(
        session.scalars(
            select(Team.id)
            .where(Team.organisation_id == organisation_id, Team.id.in_(team_ids))
            .order_by(Team.id)
            .with_for_update(read=True, key_share=True)
        )
    )


def is_called(session: Session, organisation_id: UUID, name: str) -> bool:
    """Tell whether a team of the organisation's has this name."""
    called = exists().where(Team.organisation_id == organisation_id, Team.name == name)
    return session.scalar(select(called)) is True


def insert_team_if_new(session: Session, values: Mapping[str, object]) -> None:
    """Store a team, unless its id or its name is taken."""
    session.execute(insert(Team).values(**values).on_conflict_do_nothing())


def rename_team(session: Session, team_id: UUID, name: str) -> bool:
    """Give a team another name, unless another has it; tell whether it has it now."""
    team = aliased(Team)
    taken = exists().where(
        team.organisation_id == Team.organisation_id, team.name == name, team.id != team_id
    )
    renamed = session.execute(
        update(Team).where(Team.id == team_id, ~taken).values(name=name).returning(Team.id)
    )
    return renamed.first() is not None


def delete_team(session: Session, team_id: UUID) -> None:
    """Delete a team; its members stay."""
    session.execute(delete(Team).where(Team.id == team_id))


def _teams(organisation_id: UUID, teams_of: UUID | None) -> Select[Team]:
    found = select(Team).where(Team.organisation_id == organisation_id)
    return found if teams_of is None else found.where(Team.id.in_(_team_ids(teams_of)))


def _team_ids(person_id: UUID) -> Select[UUID]:
    return select(TeamMember.team_id).where(TeamMember.person_id == person_id)


def _fits(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.teams_of is not None:
        conditions.append(_is_in(TeamMember.team_id.in_(_team_ids(wanted.teams_of))))
    if wanted.text is not None:
        conditions.append(Person.name.icontains(wanted.text, autoescape=True))
    if wanted.role is not None:
        conditions.append(Person.role == wanted.role)
    if wanted.team_id is not None:
        conditions.append(_is_in(TeamMember.team_id == wanted.team_id))
    return conditions


def _is_in(team: ColumnElement[bool]) -> ColumnElement[bool]:
    return Person.id.in_(select(TeamMember.person_id).where(team))
