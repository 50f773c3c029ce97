"""Roles, and the rights that each of them has."""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What a person is to the service; everyone but a citizen belongs to an organisation."""

    CITIZEN = "citizen"
    STAFF = "staff"
    TEAM_LEAD = "team-lead"
    MANAGER = "manager"
    ADMIN = "admin"
    KIOSK = "kiosk"
    AUDITOR = "auditor"


class Right(StrEnum):
    """One thing that may be done within an organisation; also what a machine's key is good for."""

    ORGANISATION_READ = "organisation:read"
    ORGANISATION_WRITE = "organisation:write"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    PLACES_READ = "places:read"
    PLACES_WRITE = "places:write"
    PLACES_SHARE = "places:share"
    GEOFENCES_READ = "geofences:read"
    GEOFENCES_WRITE = "geofences:write"
    CODES_READ = "codes:read"
    CODES_WRITE = "codes:write"
    LISTINGS_READ = "listings:read"
    LISTINGS_WRITE = "listings:write"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_WRITE = "campaigns:write"
    STATISTICS_READ = "statistics:read"
    AUDIT_READ = "audit:read"
    CHECK_INS_SCAN = "check-ins:scan"
    REDEMPTIONS_WRITE = "redemptions:write"
    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    TASKS_ASSIGN = "tasks:assign"


MEMBERS = frozenset(Role) - {Role.CITIZEN}
"""Who belongs to an organisation."""
WORKERS = frozenset({Role.STAFF, Role.TEAM_LEAD, Role.MANAGER, Role.ADMIN})
"""Who does its work, and may be sent its tasks."""

READS = frozenset(right for right in Right if right.endswith(":read"))
CONTENT = frozenset(
    {
        Right.GEOFENCES_READ,
        Right.GEOFENCES_WRITE,
        Right.CODES_READ,
        Right.CODES_WRITE,
        Right.LISTINGS_READ,
        Right.LISTINGS_WRITE,
        Right.CAMPAIGNS_READ,
        Right.CAMPAIGNS_WRITE,
        Right.STATISTICS_READ,
    }
)
"""What there is at places."""
BY_PARTNERS = CONTENT - {Right.GEOFENCES_READ, Right.GEOFENCES_WRITE} | {Right.PLACES_READ}
"""What counts at another organisation's place too, where that shares it: for things of one's own.

Statistics are the owner's, and need to be granted along with the place.
"""
NOT_FOR_KEYS = frozenset({Right.MEMBERS_WRITE, Right.KEYS_WRITE, Right.CHECK_INS_SCAN})
"""What no machine may do: let others in, and give its word that it saw somebody."""
OUT_AND_ABOUT = frozenset(
    {Right.CHECK_INS_SCAN, Right.REDEMPTIONS_WRITE, Right.TASKS_READ, Right.TASKS_WRITE}
)
"""What a phone in a pocket is good for; all else takes signing in."""

RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.CITIZEN: frozenset(),
    Role.STAFF: OUT_AND_ABOUT,
    Role.TEAM_LEAD: OUT_AND_ABOUT
    | {
        Right.MEMBERS_READ,
        Right.LISTINGS_READ,
        Right.CAMPAIGNS_READ,
        Right.STATISTICS_READ,
        Right.ORGANISATION_READ,
        Right.TASKS_ASSIGN,
    },
    Role.MANAGER: OUT_AND_ABOUT
    | CONTENT
    | {
        Right.ORGANISATION_READ,
        Right.MEMBERS_READ,
        Right.PLACES_READ,
        Right.PLACES_WRITE,
        Right.TASKS_ASSIGN,
    },
    Role.ADMIN: frozenset(Right),
    Role.KIOSK: frozenset({Right.CHECK_INS_SCAN, Right.REDEMPTIONS_WRITE, Right.CODES_READ}),
    Role.AUDITOR: READS,
}
"""What each role may do in its own organisation."""


def rights_of(role: Role, *, by_device: bool) -> frozenset[Right]:
    """Return what somebody of that role may do.

    Args:
        role: Theirs.
        by_device: Whether they come by a device's token, which is in a pocket for years, and not
            by one they signed in for.
    """
    return RIGHTS[role] & OUT_AND_ABOUT if by_device else RIGHTS[role]
