"""What is asked of how many people were told by campaigns that tell so many at most.

A campaign's row is held while a batch decides that may tell somebody for the first time, so that
nobody is told who is one too many. It is the last of what deciding holds: people come first, and a
run before it. A campaign whose seats are all taken is not held, as none ever becomes free.
"""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from sqlalchemy import Integer, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from geoservices.campaigns.models import CampaignSeats, Decision
from geoservices.database import among


def count_seats(session: Session, campaign_id: UUID) -> None:
    """Have it counted how many a campaign tells from now on; again changes nothing."""
    session.execute(insert(CampaignSeats).values(campaign_id=campaign_id).on_conflict_do_nothing())


def hold_seats(session: Session, most: Mapping[UUID, int]) -> dict[UUID, int]:
    """Return how many each campaign told that has not told as many as it may, and hold these.

    Args:
        session: The transaction, which holds everybody it decides about.
        most: How many each campaign may tell in all.
    """
    asked = (
        func.unnest(
            bindparam(None, list(most), type_=ARRAY(Uuid)),
            bindparam(None, list(most.values()), type_=ARRAY(Integer)),
        )
        .table_valued("campaign_id", "most")
        .render_derived("asked")
    )
    rows = session.execute(
        select(CampaignSeats.campaign_id, CampaignSeats.taken)
        .join(asked, asked.c.campaign_id == CampaignSeats.campaign_id)
        .where(CampaignSeats.taken < asked.c.most)
        .order_by(CampaignSeats.campaign_id)
        .with_for_update(of=CampaignSeats, key_share=True)
    )
    return {row.campaign_id: row.taken for row in rows}


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
