"""What claims make of somebody."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.access.rights import MEMBERS, Role
from geoservices.oidc.claims import RANKED, name_of, role_of, session_of, values_at
from geoservices.settings.providers import MemberRole

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
GROUPS = {"it": "admin", "managers": "manager", "everybody": "staff", "audit": "auditor"}


@pytest.mark.parametrize(
    ("claims", "path", "values"),
    [
        ({"groups": ["a", "b"]}, "groups", ["a", "b"]),
        ({"groups": "a"}, "groups", ["a"]),
        ({"groups": ["a", 7, None, ["b"]]}, "groups", ["a"]),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", ["a"]),
        ({"https://devon.example/roles": ["a"]}, "https://devon.example/roles", ["a"]),
        ({"realm_access": "a"}, "realm_access.roles", []),
        ({}, "groups", []),
    ],
)
def test_a_claim_is_found_by_its_path(claims: dict[str, Any], path: str, values: list[str]) -> None:
    """By its whole name first, and then step by step."""
    assert values_at(claims, path) == values


@pytest.mark.parametrize(
    ("groups", "default", "role"),
    [
        (["everybody", "managers"], None, Role.MANAGER),
        (["audit", "it"], None, Role.ADMIN),
        (["choir"], None, None),
        (["choir"], "staff", Role.STAFF),
        (["audit"], "staff", Role.AUDITOR),
        ([], None, None),
        (["IT"], None, None),
    ],
)
def test_somebody_has_the_first_of_their_roles(
    groups: list[str], default: str | None, role: Role | None
) -> None:
    """The default is only for those whom no group names."""
    assert role_of({"groups": groups}, path="groups", roles=GROUPS, default=default) is role


@given(claims=st.dictionaries(st.sampled_from(["groups", "name", "sid", "a"]), ANYTHING))
def test_whatever_a_provider_says_is_understood_or_passed_over(claims: dict[str, Any]) -> None:
    """No claim breaks anything, and no group that is not in the settings gives a role."""
    for path in ("groups", "a.b", "groups.a"):
        role = role_of(claims, path=path, roles=GROUPS, default=None)
        assert role is None or any(value in GROUPS for value in values_at(claims, path))
    name, session = name_of(claims), session_of(claims)
    assert name is None or 0 < len(name) <= 200
    assert session is None or 0 < len(session) <= 300


def test_every_role_of_a_member_can_be_given() -> None:
    """The settings know the same roles as the rights do, and each has its rank."""
    assert set(get_args(MemberRole)) == set(RANKED) == set(MEMBERS)
    assert len(RANKED) == len(MEMBERS)
