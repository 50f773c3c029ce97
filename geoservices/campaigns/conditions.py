"""What people have done, or have not, to be those whom a campaign is for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from geoservices.campaigns.definitions import Audience, Condition, Did

OF_CAMPAIGNS: Final = frozenset({Did.CHECKED_IN, Did.OPENED})
"""What belongs to a campaign, and not to a listing: a message, or its places."""
NOT_RECORDED: Final = frozenset({Did.SIGNED_UP})
"""What leaves no trace once it is taken back, so that nobody knows of a day who had done it."""


class Deed(NamedTuple):
    """That somebody did something, at an instant.

    `of` is the listing, or the campaign; `owner` the organisation, or the campaign again.
    """

    did: Did
    of: UUID
    owner: UUID
    at: datetime


class Whose(NamedTuple):
    """Of which campaign a condition is, and of which organisation's."""

    campaign_id: UUID
    organisation_id: UUID


def subject_of(condition: Condition, whose: Whose) -> UUID:
    """Return of what somebody must have done it: a listing, campaign or organisation."""
    if condition.of is not None:
        return condition.of
    return whose.campaign_id if condition.did in OF_CAMPAIGNS else whose.organisation_id


def holds(
    audience: Audience, deeds: Sequence[Deed], *, whose: Whose, at: datetime, occurred_at: datetime
) -> bool:
    """Tell whether somebody did all that an audience has done, and nothing that it has not.

    What they do at this very instant to set the campaign off does not count.

    Args:
        audience: Whom the campaign is for.
        deeds: What they did, in any order.
        whose: The campaign.
        at: The moment of deciding.
        occurred_at: When they did what set it off.
    """
    before = [one for one in deeds if one.at <= at and one.at != occurred_at]
    if not all(_did(one, before, whose, at) for one in audience.has):
        return False
    return not any(_did(one, before, whose, at) for one in audience.has_not)


def contradiction(audience: Audience) -> tuple[int, Condition] | None:
    """Return what nobody can have done who has not done it, with its number among `has`.

    Whoever did something within a month may well not have done it within a week, and whoever did
    not redeem this offer may have redeemed another.
    """
    for number, has in enumerate(audience.has):
        for not_ in audience.has_not:
            covers = not_.of is None or not_.of == has.of
            # A message of this campaign is none of another's.
            covers &= has.did is not Did.OPENED or not_.of == has.of
            if has.did is not_.did and covers and has.within <= not_.within:
                return number, not_
    return None


def knowable(
    audience: Audience,
    *,
    campaign_id: UUID,
    since: datetime,
    until: datetime,
    kept: Mapping[Did, timedelta],
) -> tuple[Audience, Sequence[Condition]]:
    """Return an audience without what is not known of some days, and what that is.

    Args:
        audience: Whom a campaign is for.
        campaign_id: That campaign.
        since: The first instant of these days.
        until: Now.
        kept: How long what people do is kept.
    """

    def is_known(one: Condition) -> bool:
        # Of a message that was never sent nobody knows whether it would have been opened.
        opens_itself = one.did is Did.OPENED and one.of in {None, campaign_id}
        reaches_back = until - since + one.within <= kept[one.did]
        return reaches_back and one.did not in NOT_RECORDED and not opens_itself

    asked = replace(
        audience,
        has=tuple(filter(is_known, audience.has)),
        has_not=tuple(filter(is_known, audience.has_not)),
    )
    return asked, [one for one in audience.conditions if not is_known(one)]


def _did(condition: Condition, deeds: Iterable[Deed], whose: Whose, at: datetime) -> bool:
    subject, since = subject_of(condition, whose), at - condition.within
    return any(
        one.did is condition.did and one.at > since and subject in {one.of, one.owner}
        for one in deeds
    )
