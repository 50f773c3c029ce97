"""The constants of presence that hold for one geofence."""

from dataclasses import fields
from functools import lru_cache

from geoservices.geofences.watched import Overrides
from geoservices.settings.presence import PresenceSettings
from geoservices.visits.sights import PresenceRules


@lru_cache(maxsize=4096)
def rules_with(presence: PresenceSettings, overrides: Overrides = ()) -> PresenceRules:
    """Return the rules of the settings, with what a geofence has of its own laid over them.

    Args:
        presence: What holds where nothing else is said.
        overrides: Names and values, as `overrides.merge` returns them. They were checked when
            they were stored; a setting that has changed since is not held against them.
    """
    values = {rule.name: getattr(presence, rule.name) for rule in fields(PresenceRules)}
    return PresenceRules(**values | dict(overrides))
