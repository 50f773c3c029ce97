"""What an organisation says of presence, stored so that every process sees it."""

import numpy as np
import pytest
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.geofences import queries
from geoservices.geofences.overrides import PresenceOverrides, PresenceRefused
from geoservices.geofences.presence import (
    check_geofence_presence,
    presence_of,
    replace_presence,
)
from geoservices.geofences.watched import keys
from geoservices.settings.presence import PresenceSettings
from tests.factories import NOON, make_geofence, make_organisation, make_place

PRESENCE = PresenceSettings()
LONGER = PresenceOverrides.model_validate({"silence": "PT45M"})


@pytest.fixture
def devon(session: Session) -> Organisation:
    """An organisation."""
    return make_organisation(session)


def say(session: Session, organisation: Organisation, overrides: PresenceOverrides) -> None:
    """Store an organisation's rules."""
    replace_presence(session, overrides, organisation_id=organisation.id, presence=PRESENCE)


def test_every_watched_geofence_of_the_organisation_counts_as_changed(
    session: Session, devon: Organisation
) -> None:
    """And no one else's, nor those that nobody reads: disabled and deleted ones."""
    place = make_place(session, devon)
    watched = [make_geofence(session, place) for _ in range(2)]
    disabled, deleted = make_geofence(session, place), make_geofence(session, place)
    disabled.disabled_at = deleted.deleted_at = NOON
    kent = make_organisation(session, "kent")
    make_geofence(session, make_place(session, kent))
    session.flush()
    before = queries.revision(session)

    say(session, devon, LONGER)

    changed = np.concatenate([part.ids for part in queries.changed_since(session, before)])
    assert sorted(map(tuple, changed)) == sorted(map(tuple, keys([one.id for one in watched])))
    assert presence_of(session, devon.id) == {"silence": "PT45M"}
    assert presence_of(session, kent.id) == {}


def test_the_same_rules_again_change_nothing(session: Session, devon: Organisation) -> None:
    """A manager who heard no answer sends again; no process reads anything anew."""
    make_geofence(session, make_place(session, devon))
    say(session, devon, LONGER)
    before = queries.revision(session)

    say(session, devon, LONGER)

    assert queries.revision(session) == before


def test_rules_are_replaced_and_not_added_to(session: Session, devon: Organisation) -> None:
    """Nothing said takes back what was."""
    say(session, devon, LONGER)

    say(session, devon, PresenceOverrides())

    assert presence_of(session, devon.id) == {}


def test_rules_that_contradict_a_geofences_own_are_refused(
    session: Session, devon: Organisation
) -> None:
    """A geofence waits 20 min for an exit; its organisation cannot have silence at 10."""
    geofence = make_geofence(session, make_place(session, devon))
    geofence.presence = {"confirm_exit_after": "PT20M"}
    session.flush()

    with pytest.raises(PresenceRefused):
        say(session, devon, PresenceOverrides.model_validate({"silence": "PT10M"}))

    assert presence_of(session, devon.id) == {}


def test_a_geofences_rules_are_held_against_its_organisations(
    session: Session, devon: Organisation
) -> None:
    """What would do over the service's rules may not do over these."""
    slow = PresenceOverrides.model_validate({"confirm_exit_after": "PT20M"})
    check_geofence_presence(session, slow, organisation_id=devon.id, presence=PRESENCE)
    say(session, devon, PresenceOverrides.model_validate({"silence": "PT10M"}))

    with pytest.raises(PresenceRefused):
        check_geofence_presence(session, slow, organisation_id=devon.id, presence=PRESENCE)
