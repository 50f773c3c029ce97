"""Members made, changed and removed by their organisation's admins."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from geoservices.access.actors import Grant
from geoservices.access.reach import reach_of
from geoservices.access.rights import Role
from geoservices.accounts import queries as accounts
from geoservices.accounts.admins import check_not_last
from geoservices.accounts.models import Person
from geoservices.errors import ErrorKind, GeoservicesError, IdTaken, NotFound
from geoservices.members import queries
from geoservices.members.queries import AfterName, Wanted
from geoservices.members.rules import (
    MemberDraft,
    check_may_change,
    check_may_make,
    sees_only_teams_of,
)
from geoservices.scopes import everywhere


class EmailTaken(GeoservicesError):
    """Another member of the organisation has this e-mail address."""

    kind = ErrorKind.CONFLICT
    code = "email-taken"
    title = "Another member has this address"

    def __init__(self) -> None:
        super().__init__("Each member has an address of their own, or none.", field="/email")


def list_members(
    session: Session, grant: Grant, wanted: Wanted, *, after: AfterName | None, limit: int
) -> Sequence[Person]:
    """Return a page of the members whom somebody may see, in the order of their names."""
    seen = replace(wanted, teams_of=sees_only_teams_of(grant.actor))
    return queries.members(session, grant.organisation_id, seen, after=after, limit=limit)


def get_member(session: Session, member_id: UUID, *, grant: Grant) -> Person:
    """Return a member.

    Raises:
        NotFound: They are not the organisation's, or in none of the teams that the asker sees.
    """
    teams_of = sees_only_teams_of(grant.actor)
    member = queries.member(session, grant.organisation_id, member_id, teams_of=teams_of)
    if member is None:
        raise NotFound("member")
    return member


def add_member(
    session: Session, draft: MemberDraft, *, member_id: UUID | None, grant: Grant, at: datetime
) -> tuple[Person, bool]:
    """Let somebody belong to the organisation; the same id and content again changes nothing.

    Returns:
        The member, and whether they were made just now.

    Raises:
        Forbidden: They would have rights that the asker does not have.
        ReachRefused: They are no manager and shall be limited to places.
        NotFound: A team is not the organisation's.
        EmailTaken: Another member has the address.
        IdTaken: The id belongs to somebody else, or to a member with other content.
    """
    check_may_make(grant.actor, draft, before=None)
    accounts.hold_organisation(session, grant.organisation_id)
    if member_id is not None and _is_taken(session, member_id):
        return _same(session, member_id, draft, grant), False
    organisation = accounts.organisation_by_id(session, grant.organisation_id)
    member = Person(
        id=member_id or uuid4(),
        organisation_id=organisation.id,
        time_zone=organisation.time_zone,
        created_at=at,
    )
    _write(session, member, draft, at)
    return member, True


def change_member(
    session: Session, member_id: UUID, changes: Mapping[str, Any], *, grant: Grant, at: datetime
) -> Person:
    """Change what is named of a member.

    Disabling them, or making them an auditor, ends their sign-ins and devices at once.

    Args:
        session: The transaction to write in.
        member_id: Whom.
        changes: Some of what a `MemberDraft` says; the reach goes with the role of a manager.
        grant: Whoever asks for it.
        at: Now.

    Raises:
        NotFound: They are not the organisation's, or a team is not.
        Forbidden: They have, or would have, rights that the asker does not have.
        ReachRefused: They are no manager and shall be limited to places.
        EmailTaken: Another member has the address.
        LastAdmin: Nobody would be left to run the organisation.
    """
    accounts.hold_organisation(session, grant.organisation_id)
    member = get_member(session, member_id, grant=grant)
    before = draft_of(session, [member])[member.id]
    if changes.get("role", Role.MANAGER) is not Role.MANAGER:
        before = replace(before, reach=None)
    draft = replace(before, **changes)
    check_may_make(grant.actor, draft, before=before.role)
    if not draft.runs_the_organisation:
        check_not_last(session, member)
    _write(session, member, draft, at)
    if draft.disabled or (draft.role is Role.AUDITOR and before.role is not Role.AUDITOR):
        accounts.revoke_all_of(session, [member.id], at=at)
    return member


def find_removable(session: Session, member_id: UUID, *, grant: Grant) -> Person:
    """Return a member whom the asker may remove, and let nobody else change the members meanwhile.

    Raises:
        NotFound: They are not the organisation's.
        Forbidden: They have rights that the asker does not have.
        LastAdmin: Nobody would be left to run the organisation.
    """
    accounts.hold_organisation(session, grant.organisation_id)
    member = get_member(session, member_id, grant=grant)
    check_may_change(grant.actor, Role(member.role))
    check_not_last(session, member)
    return member


def draft_of(session: Session, members: Collection[Person]) -> Mapping[UUID, MemberDraft]:
    """Return what members are at present, by their ids."""
    teams = queries.teams_of_members(session, [member.id for member in members])
    return {
        member.id: MemberDraft(
            name=member.name or "",
            email=member.email,
            role=Role(member.role),
            team_ids=teams.get(member.id, frozenset()),
            reach=reach_of(member.reach),
            skills=frozenset(member.skills),
            disabled=member.disabled_at is not None,
        )
        for member in members
    }


def _is_taken(session: Session, member_id: UUID) -> bool:
    with everywhere(session):
        return queries.is_known(session, member_id)


def _same(session: Session, member_id: UUID, draft: MemberDraft, grant: Grant) -> Person:
    known = queries.member(session, grant.organisation_id, member_id, teams_of=None)
    if known is None or draft_of(session, [known])[known.id] != draft:
        raise IdTaken("member")
    return known


def _write(session: Session, member: Person, draft: MemberDraft, at: datetime) -> None:
    organisation_id = member.organisation_id
    if organisation_id is None:
        raise NotFound("member")
    if draft.email and queries.email_of_another(session, organisation_id, draft.email, member.id):
        raise EmailTaken
    if queries.known_teams(session, organisation_id, draft.team_ids) != draft.team_ids:
        raise NotFound("team")
    member.name, member.email, member.role = draft.name, draft.email, draft.role
    member.reach = draft.reach.stored() if draft.reach else None
    member.skills = sorted(draft.skills)
    member.disabled_at = (member.disabled_at or at) if draft.disabled else None
    session.add(member)
    session.flush()
    queries.put_into_teams(session, member.id, draft.team_ids)
