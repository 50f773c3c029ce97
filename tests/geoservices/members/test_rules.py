"""Who may make whom what, whatever rights they have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.access.actors import Actor
from geoservices.access.reach import Reach, ReachRefused
from geoservices.access.rights import RIGHTS, Right, Role
from geoservices.errors import Forbidden
from geoservices.members.rules import MemberDraft, check_may_change, check_may_make

SOME_RIGHTS = st.frozensets(st.sampled_from(Right))
ROLES = st.sampled_from(sorted(Role))


def allowed(actor: Actor, role: Role, before: Role | None) -> bool:
    """Whether the actor may make somebody this."""
    try:
        check_may_make(actor, MemberDraft(name="Ann", role=role), before=before)
    except Forbidden:
        return False
    return True


@given(rights=SOME_RIGHTS, role=ROLES, before=st.none() | ROLES)
def test_nobody_hands_out_rights_that_they_do_not_have(
    rights: frozenset[Right], role: Role, before: Role | None
) -> None:
    """To others or to themselves; nor do they touch whoever has more."""
    actor = Actor(rights=rights)
    touched = RIGHTS[role] | (RIGHTS[before] if before else frozenset())

    assert allowed(actor, role, before) is (touched <= rights)


@given(mine=ROLES, wanted=ROLES)
def test_nobody_raises_their_own_role(mine: Role, wanted: Role) -> None:
    """They may only become what has no right that they do not have already."""
    actor = Actor(rights=RIGHTS[mine], role=mine)

    assert allowed(actor, wanted, mine) is (RIGHTS[wanted] <= RIGHTS[mine])


def test_somebody_new_is_touched_by_nobody() -> None:
    """There is nothing to protect."""
    check_may_change(Actor(rights=frozenset()), None)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.MANAGER])
def test_only_managers_are_limited(role: Role) -> None:
    """Whoever else has a reach would believe in a limit that is none."""
    admin = Actor(rights=frozenset(Right))
    draft = MemberDraft(name="Ann", role=role, reach=Reach(tags=frozenset({"central"})))

    with pytest.raises(ReachRefused):
        check_may_make(admin, draft, before=None)
