"""What an organisation and its geofences say of presence, checked and stored."""

from uuid import UUID

from sqlalchemy.orm import Session

from geoservices.accounts import queries as accounts
from geoservices.geofences import queries
from geoservices.geofences.overrides import PresenceOverrides, Stored, check
from geoservices.settings.presence import PresenceSettings


def presence_of(session: Session, organisation_id: UUID) -> Stored:
    """Return what an organisation has of its own."""
    return accounts.organisation_by_id(session, organisation_id).presence


def check_geofence_presence(
    session: Session,
    overrides: PresenceOverrides,
    *,
    organisation_id: UUID,
    presence: PresenceSettings,
) -> None:
    """Refuse rules for a geofence that make no sense over those of its organisation.

    Raises:
        PresenceRefused: They contradict one another.
    """
    check(presence, presence_of(session, organisation_id), overrides.stored())


def replace_presence(
    session: Session,
    overrides: PresenceOverrides,
    *,
    organisation_id: UUID,
    presence: PresenceSettings,
) -> None:
    """Make an organisation's own rules exactly these; the same again changes nothing.

    Every geofence of the organisation counts as changed, so that each process reads it again
    before it follows the next position.

    Raises:
        PresenceRefused: They make no sense over the service's, or under those of a geofence.
    """
    queries.lock_revision(session)
    organisation = accounts.organisation_by_id(session, organisation_id)
    if organisation.presence == overrides.stored():
        return
    for own in [{}, *queries.own_presence(session, organisation_id)]:
        check(presence, overrides.stored(), own)
    organisation.presence = overrides.stored()
    session.flush()
    queries.count_changed(session, organisation_id)
