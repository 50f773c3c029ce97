"""What an arrival waits for, what ends it and what takes its place.

An arrival is sure to confidence 2 if a reading inside began it, and to 1 if somebody outside did:
within reach, where a geofence has that mode, or by touching, where a phone reports seldom. Whoever
walks past touches a building too, but not for long: a phone that reports often shows the centre
inside sooner or later, one that reports seldom gives few chances to.

Unheard is how long ago the reading before was, unseen how long ago the last that touched.
"""

from datetime import timedelta

from geoservices.visits.sights import PresenceRules, Sight


def least_sight(unheard: timedelta | None, *, rules: PresenceRules) -> Sight:
    """Return the least that begins an arrival, given how long nothing was heard (None: ever)."""
    seldom = unheard is None or unheard >= rules.confirm_enter_within
    return Sight.TOUCHING if seldom and rules.reach_m <= 0.0 else Sight.REACHING


def lapses(sight: Sight, *, unheard: timedelta, unseen: timedelta, rules: PresenceRules) -> bool:
    """Tell whether an arrival comes to nothing.

    It does when too little is heard, and when readings no longer touch, or are too vague to say
    so. The first of those is no verdict, however long after the last that touched it comes: one
    may be wild.
    """
    if unheard > rules.confirm_enter_gap:
        return True
    second = sight < Sight.TOUCHING and unheard < unseen
    return second and unseen > rules.confirm_enter_within


def is_outdone(sight: Sight, *, confidence: int, lasted: timedelta, rules: PresenceRules) -> bool:
    """Tell whether an arrival from outside gives way to one with a reading inside, dated anew."""
    if confidence > 1 or sight <= Sight.REACHING:
        return False
    may_confirm = sight != Sight.CLEAR and rules.reach_m <= 0.0
    return not may_confirm or lasted < rules.confirm_seldom_after


def confirmed_after(sight: Sight, *, confidence: int, rules: PresenceRules) -> timedelta | None:
    """Return how long an arrival must have lasted for this sight to confirm it, None if never."""
    if sight < Sight.TOUCHING:
        return None
    if confidence == 1 and rules.reach_m <= 0.0:
        return rules.confirm_seldom_after
    holds = sight >= (Sight.REACHING if confidence == 1 else Sight.MARGINAL)
    return rules.confirm_enter_after if holds else rules.confirm_touching_after
