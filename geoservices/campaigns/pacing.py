"""How much somebody has been told already, counted the way that caps and cooldowns look at it.

A cap's window is rolling: it reaches back from the moment by so much time, whatever clocks show.
What was told just as long ago counts no more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from geoservices.campaigns.cooldowns import CooldownPer, Spot, looks_at
from geoservices.campaigns.rules import CampaignClass, Cap, Gate, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """That a campaign told somebody something.

    `visit_id` is the visit that was the cause, None if none was or nobody knows any more.
    """

    person_id: UUID
    campaign_id: UUID
    campaign_class: CampaignClass
    spot: Spot
    told_at: datetime
    visit_goes_on: bool
    visit_id: UUID | None = None


T = TypeVar("T", bound=Telling)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How many messages count towards the caps on a person, on each class and on one place."""

    in_window: int
    of_class: Mapping[CampaignClass, int]
    here: int


def told_by(
    tellings: Iterable[Telling],
    *,
    place_id: UUID | None,
    is_member: bool,
    limits: Limits,
    at: datetime,
) -> Told:
    """Count what somebody was told until an instant.

    What is critical counts towards nothing of a member's.

    Args:
        tellings: What they were told, as far back as `limits.longest`.
        place_id: The place of which the cap on a place is asked.
        is_member: Whether they belong to an organisation.
        limits: The caps.
        at: The instant.
    """
    in_window, here, classes = 0, 0, limits.class_caps
    of_class = dict.fromkeys(classes, 0)
    within, within_here = limits.person_cap.within, limits.place_cap.within
    for one in tellings:
        class_, age = one.campaign_class, at - one.told_at
        if class_.is_exempt(is_member=is_member):
            continue
        in_window += age < within
        here += age < within_here and one.spot.place_id == place_id
        if class_ in classes:
            of_class[class_] += age < classes[class_].within
    return Told(in_window=in_window, of_class=of_class, here=here)


def counting(
    tellings: Iterable[Telling],
    gate: Gate,
    *,
    campaign_class: CampaignClass,
    place_id: UUID | None,
    is_member: bool,
    limits: Limits,
) -> tuple[Cap | None, list[datetime]]:
    """Return the cap that a gate asks, if it does, and when there was what counts towards it.

    Args:
        tellings: What somebody was told.
        gate: The gate.
        campaign_class: Of what would be told now.
        place_id: Where it would be told.
        is_member: Whether they belong to an organisation.
        limits: The caps.
    """
    told = [one for one in tellings if not one.campaign_class.is_exempt(is_member=is_member)]
    cap: Cap | None = None
    match gate:
        case Gate.CAP:
            cap = limits.person_cap
        case Gate.CLASS_CAP:
            cap = limits.class_caps.get(campaign_class)
            told = [one for one in told if one.campaign_class is campaign_class]
        case Gate.PLACE_CAP:
            cap = limits.place_cap
            told = [one for one in told if one.spot.place_id == place_id]
        case _:
            told = []
    return cap, [one.told_at for one in told]


def told_by_campaign(
    tellings: Iterable[Telling], campaign_id: UUID, cap: Cap, *, at: datetime
) -> int:
    """Count what a campaign told somebody within its own cap's window."""
    return sum(one.campaign_id == campaign_id and at - one.told_at < cap.within for one in tellings)


def told_on(tellings: Iterable[Telling], campaign_id: UUID, visit_id: UUID | None) -> bool:
    """Tell whether a campaign told somebody something because of a visit, if it is one."""
    return visit_id is not None and any(
        one.visit_id == visit_id and one.campaign_id == campaign_id for one in tellings
    )


def last_told(
    tellings: Sequence[T], campaign_id: UUID, *, spot: Spot, per: CooldownPer
) -> T | None:
    """Return what a campaign told somebody last where its cooldown looks, if anything.

    Args:
        tellings: What they were told, the earliest first.
        campaign_id: The campaign.
        spot: Where it would tell them now.
        per: Where its cooldown looks.
    """
    return next(
        (
            one
            for one in reversed(tellings)
            if one.campaign_id == campaign_id and looks_at(one.spot, spot, per)
        ),
        None,
    )
