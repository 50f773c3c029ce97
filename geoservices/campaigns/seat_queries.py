"""What is asked of how many people were told by campaigns that tell so many at most.

A campaign's row is held while a batch decides that may tell somebody for the first time, so that
nobody is told who is one too many. It is the last of what deciding holds: people come first, and a
run before it. A campaign whose seats are all taken is not held, as none ever becomes free.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Integer, bindparam, func, select, union_all, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from geoservices.campaigns.models import CampaignSeats, Decision
from geoservices.database import among


class Seats(NamedTuple):
    """How many people a campaign tells at most, and how many it has told."""

    most: int
    taken: int


def limit_seats(session: Session, campaign_id: UUID, most: int) -> None:
    """Have a campaign tell so many people at most from now on, and have counted how many it told.

    It waits for those who decide at the moment; whoever decides afterwards goes by the new number.
    """
    session.execute(
        insert(CampaignSeats)
        .values(campaign_id=campaign_id, most=most)
        .on_conflict_do_update(index_elements=[CampaignSeats.campaign_id], set_={"most": most})
    )


def hold_seats(session: Session, campaign_ids: Collection[UUID]) -> dict[UUID, Seats]:
    """Return the seats of campaigns as they are now, and hold those of which any is free.

    Args:
        session: The transaction, which holds everybody it decides about.
        campaign_ids: Campaigns that tell so many people at most.
    """
    free = (
        select(CampaignSeats.campaign_id, CampaignSeats.most, CampaignSeats.taken)
        .where(
            among(CampaignSeats.campaign_id, campaign_ids), CampaignSeats.taken < CampaignSeats.most
        )
        .order_by(CampaignSeats.campaign_id)
        .with_for_update(key_share=True)
        .cte("free")
    )
    full = select(CampaignSeats.campaign_id, CampaignSeats.most, CampaignSeats.most.label("taken"))
    rows = session.execute(
        union_all(
            select(free),
            full.where(
                among(CampaignSeats.campaign_id, campaign_ids),
                CampaignSeats.campaign_id.not_in(select(free.c.campaign_id)),
            ),
        )
    )
    return {row.campaign_id: Seats(row.most, row.taken) for row in rows}


def take_seats(session: Session, taken: Mapping[UUID, int]) -> None:
    """Note how many campaigns have told now; they are held."""
    now = (
        func.unnest(
            bindparam(None, list(taken), type_=ARRAY(Uuid)),
            bindparam(None, list(taken.values()), type_=ARRAY(Integer)),
        )
        .table_valued("campaign_id", "taken")
        .render_derived("now")
    )
    session.execute(
        update(CampaignSeats)
        .where(CampaignSeats.campaign_id == now.c.campaign_id)
        .values(taken=now.c.taken),
        execution_options={"synchronize_session": False},
    )


def seated(
    session: Session, person_ids: Iterable[UUID], campaign_ids: Collection[UUID]
) -> set[tuple[UUID, UUID]]:
    """Return which people the campaigns have told before, as far as it is kept."""
    rows = session.execute(
        select(Decision.person_id, Decision.campaign_id)
        .where(
            among(Decision.person_id, person_ids),
            among(Decision.campaign_id, campaign_ids),
            Decision.gate.is_(None),
        )
        .distinct()
    )
    return {(row.person_id, row.campaign_id) for row in rows}
