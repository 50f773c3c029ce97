"""What is asked of spendings."""

from datetime import datetime

from sqlalchemy import delete, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geoservices.limiting.models import Spending
from geoservices.rates import Rate


def spend(session: Session, key: bytes, rate: Rate, *, at: datetime) -> datetime | None:
    """Spend one, in one statement however many try at once.

    Returns:
        None if it could be spent; else when all that was spent before is given back.
    """
    wanted = insert(Spending).values(key=key, free_at=at + rate.step)
    after = func.greatest(Spending.free_at, at) + rate.step
    spent = (
        wanted.on_conflict_do_update(
            index_elements=[Spending.key],
            set_={"free_at": after},
            where=after <= at + rate.within,
        )
        .returning(Spending.free_at)
        .cte("spent")
    )
    row = session.execute(
        union_all(
            select(spent.c.free_at, literal(value=True)),
            select(Spending.free_at, literal(value=False)).where(
                Spending.key == key, ~select(spent.c.free_at).exists()
            ),
        )
    ).first()
    # Whoever spent the last one a moment ago may not be seen yet by this statement.
    if row is None:
        return at + rate.within
    return None if row[1] else row[0]


def forget(session: Session, *, at: datetime) -> int:
    """Forget what has been given back; return how many were counted."""
    gone = session.execute(delete(Spending).where(Spending.free_at <= at).returning(Spending.key))
    return len(gone.all())
