"""How many people a run goes through, as far as that may be told."""

from sqlalchemy.orm import Session

from geoservices.campaigns import run_queries
from geoservices.campaigns.drafts import Draft
from geoservices.scopes import everywhere
from geoservices.statistics import counting


def count_of_a_run(session: Session, draft: Draft) -> int:
    """Count whom a run would go through; nobody is to be told that number as it is."""
    # Who they are is nobody's but theirs to see.
    with everywhere(session):
        return run_queries.count_people(
            session,
            draft.said.definition.audience,
            purpose=draft.said.purpose,
            organisation_id=draft.organisation.id,
        )


def people_of_a_run(session: Session, draft: Draft, *, smallest: int) -> str:
    """Return in words how many people a run would tell at most; of few people only that."""
    count, at_most = count_of_a_run(session, draft), draft.said.definition.audience.at_most
    told = counting.told(count if at_most is None else min(count, at_most), smallest=smallest)
    return f"fewer than {smallest} people" if told is None else f"about {told} people"
