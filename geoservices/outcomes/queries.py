"""What is asked of decisions and of what came of them, and of what was told before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from geoservices.access.actors import by_operator
from geoservices.access.rights import Right
from geoservices.accounts.consents import COUNTED_IN_CAMPAIGNS
from geoservices.accounts.models import Consent, Purpose
from geoservices.campaigns.models import Campaign, CampaignVersion, Decision
from geoservices.campaigns.rules import Gate
from geoservices.deliveries.models import Delivery
from geoservices.deliveries.states import TAKEN_IN, DeliveryState
from geoservices.notifications.models import Notification
from geoservices.outcomes.goal_queries import Deeds
from geoservices.outcomes.models import CampaignRound
from geoservices.outcomes.rounds import Arm, Group, Met, Step
from geoservices.places.access_queries import counts_at
from geoservices.places.models import Place
from geoservices.tasks.models import TaskStep
from geoservices.tasks.states import StepKind

GATES = [gate.value for gate in Gate]
"""In the order in which they are asked."""
SHOWN = (DeliveryState.SHOWN, DeliveryState.DISMISSED, DeliveryState.CLICKED)
LONGEST = "10min"
"""A campaign with a million decisions takes some seconds, and more where others are busy."""
STEPS = list(Step)
ENDINGS: Mapping[Arm, Sequence[str]] = {Arm.TOLD: STEPS, Arm.HELD: GATES}
"""What the number of an ending stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What is looked at of people whom a campaign met.

    Attributes:
        window: For how long the messages to somebody are looked at, from the first one on.
        within: How long they have to reach the goal.
        opening: Whether opening a message is the goal.
        deed: What else they do to reach it (`goal_queries`); None without a goal.
    """

    window: timedelta
    within: timedelta
    opening: bool = False
    deed: Deeds | None = None


def hold_campaign(session: Session, campaign_id: UUID) -> Campaign | None:
    """Return a campaign and hold its row; None if someone else does."""
    return session.scalars(
        select(Campaign)
        .where(Campaign.id == campaign_id)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def uncounted(session: Session) -> Sequence[UUID]:
    """Return the campaigns that were published and have not had their last round."""
    last = exists().where(CampaignRound.campaign_id == Campaign.id, CampaignRound.is_last)
    return session.scalars(
        select(Campaign.id).where(Campaign.published_at.is_not(None), ~last).order_by(Campaign.id)
    ).all()


def newest_round(session: Session, campaign_id: UUID) -> CampaignRound | None:
    """Return a campaign's newest round."""
    return session.scalars(
        select(CampaignRound)
        .where(CampaignRound.campaign_id == campaign_id)
        .order_by(CampaignRound.number.desc())
        .limit(1)
    ).first()


def rounds_of(session: Session, campaign_id: UUID) -> Sequence[CampaignRound]:
    """Return a campaign's rounds, the first one first."""
    return session.scalars(
        select(CampaignRound)
        .where(CampaignRound.campaign_id == campaign_id)
        .order_by(CampaignRound.number)
    ).all()


def versions_in_force(session: Session, campaign_id: UUID) -> Sequence[CampaignVersion]:
    """Return those of a campaign's versions that were ever in force, the first one first."""
    return session.scalars(
        select(CampaignVersion)
        .where(
            CampaignVersion.campaign_id == campaign_id,
            CampaignVersion.in_force_from.is_not(None),
        )
        .order_by(CampaignVersion.number)
    ).all()


def done_at(session: Session, task_id: UUID) -> datetime | None:
    """Return when somebody did a task, by the earliest word of it."""
    return session.scalars(
        select(func.min(TaskStep.occurred_at)).where(
            TaskStep.task_id == task_id, TaskStep.kind == StepKind.DONE
        )
    ).one()


def people_met(
    session: Session, campaign: Campaign, bounds: Sequence[datetime], followed: Followed
) -> list[Met]:
    """Count the people whom a campaign met for the first time on some days, by what came of it.

    They are met when they are told, or would be but for the lot; who never was, when the campaign
    first decided about them. Those alone are counted who had agreed to be by then, in words that
    speak of messages, and what is decided at sensitive places, or at places of others who share
    them without their statistics, is not looked at. One statement.

    Args:
        session: The transaction, which sees everybody's rows.
        campaign: Which campaign.
        bounds: When each day begins, and when the last one ends.
        followed: What is looked at.
    """
    session.execute(select(func.set_config("statement_timeout", LONGEST, True)))
    people = union_all(_told(campaign, bounds, followed), _held(campaign, bounds)).subquery()
    edges = literal(list(bounds), ARRAY(DateTime(timezone=True)))
    day = func.width_bucket(people.c.since, edges, type_=Integer) - 1
    same = (people.c.arm, people.c.variant, people.c.ending, people.c.reached)
    rows = session.execute(
        select(day, *same, func.count(), func.sum(people.c.messages)).group_by(day, *same)
    )
    return [
        Met(
            day_number,
            Group(
                arm=Arm(arm),
                people=count,
                variant=variant,
                ending=None if number is None else ENDINGS[Arm(arm)][number],
                reached=reached,
                messages=int(messages),
            ),
        )
        for day_number, arm, variant, number, reached, count, messages in rows
    ]


def _told(
    campaign: Campaign, bounds: Sequence[datetime], followed: Followed
) -> Select[Any, str, str, int, bool, int]:
    """Return who was told, or would have been, with what came of all that they were told.

    All that is known of a decision is joined to it before people are chosen by when they were
    first told: how many those are no planner knows, and it would look each of many up by itself.
    """
    opened = (Delivery.state == DeliveryState.CLICKED) | Notification.read_at.is_not(None)
    far = case(
        (opened, STEPS.index(Step.OPENED)),
        (Delivery.state.in_(SHOWN), STEPS.index(Step.SHOWN)),
        (Delivery.state.in_(TAKEN_IN), STEPS.index(Step.ACCEPTED)),
        else_=STEPS.index(Step.SENT),
    )
    # A push that stands for several brings each of them.
    pushed_as = func.coalesce(Notification.bundle_id, Notification.id)
    since = func.min(Decision.decided_at).over(partition_by=Decision.person_id)
    decided = (
        _counted(campaign, _SENT_OR_HELD_OUT)
        .add_columns(
            since.label("since"),
            Decision.gate.is_(None).label("sent"),
            Decision.variant,
            Notification.id.label("notification_id"),
            Notification.read_at,
            far.label("far"),
        )
        .outerjoin(Notification, Notification.decision_id == Decision.id)
        .outerjoin(Delivery, Delivery.notification_id == pushed_as)
    )
    reached: ColumnElement[bool] = literal(followed.opening)
    if followed.deed is None:
        found = decided.subquery("decided")
        reached &= func.bool_or(found.c.read_at <= found.c.since + followed.within)
    else:
        deeds = followed.deed.subquery("deeds")
        when = func.array_agg(deeds.c.at).label("at")
        by_person = select(deeds.c.person_id, when).group_by(deeds.c.person_id).cte("by_person")
        found = (
            decided.add_columns(by_person.c.at)
            .outerjoin(by_person, by_person.c.person_id == Decision.person_id)
            .subquery("decided")
        )
        # All rows of a person have the same ones.
        one = func.unnest(func.max(found.c.at)).column_valued("one")
        reached = exists(
            select(one).where(one > found.c.since, one <= found.c.since + followed.within)
        )
    sent = func.bool_or(found.c.sent)
    return (
        select(
            found.c.since,
            case((sent, Arm.TOLD.value), else_=Arm.HELD_OUT.value).label("arm"),
            func.min(found.c.variant).label("variant"),
            case((sent, func.max(found.c.far))).label("ending"),
            func.coalesce(reached, false()).label("reached"),
            func.count(found.c.notification_id.distinct()).label("messages"),
        )
        .where(
            found.c.since >= bounds[0],
            found.c.since < bounds[-1],
            found.c.given_at <= found.c.since,
            found.c.decided_at <= found.c.since + followed.window,
        )
        .group_by(found.c.person_id, found.c.since)
    )


def _held(campaign: Campaign, bounds: Sequence[datetime]) -> Select[Any, str, str, int, bool, int]:
    """Return who was held back whenever the campaign decided, by the gate that came last."""
    decided = _counted(campaign).add_columns(Decision.gate).subquery("held")
    since = func.min(decided.c.decided_at)
    names = literal(GATES, ARRAY(Text))
    sent = or_(decided.c.gate.is_(None), decided.c.gate == Gate.HOLD_OUT)
    return (
        select(
            since,
            literal(Arm.HELD.value),
            cast(null(), Text),
            func.max(func.array_position(names, decided.c.gate, type_=Integer) - 1),
            false(),
            literal(0),
        )
        .group_by(decided.c.person_id)
        .having(
            and_(
                since >= bounds[0],
                since < bounds[-1],
                func.max(decided.c.given_at) <= since,
                ~func.bool_or(sent),
            )
        )
    )


def _counted(campaign: Campaign, *which: ColumnElement[bool]) -> Select[UUID, datetime, datetime]:
    """Return a campaign's decisions about people who agreed to be counted, with since when."""
    grant = by_operator(campaign.organisation_id, Right.STATISTICS_READ)
    places = select(Place.id).where(counts_at(grant), Place.sensitive_at.is_(None))
    return (
        select(Decision.person_id, Decision.decided_at, Consent.given_at)
        .join(
            Consent,
            and_(
                Consent.person_id == Decision.person_id,
                Consent.purpose == Purpose.STATISTICS,
                Consent.text_version.in_(COUNTED_IN_CAMPAIGNS),
                Consent.withdrawn_at.is_(None),
            ),
        )
        .where(
            Decision.campaign_id == campaign.id,
            or_(Decision.place_id.is_(None), Decision.place_id.in_(places)),
            *which,
        )
    )


_SENT_OR_HELD_OUT: Final = or_(Decision.gate.is_(None), Decision.gate == Gate.HOLD_OUT)
"""That a decision told somebody, or would have but for the lot."""
