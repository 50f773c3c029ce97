"""How many people a run goes through, as far as that may be told."""

from sqlalchemy.orm import Session

from geoservices.campaigns import run_queries
from geoservices.campaigns.drafts import Draft
from geoservices.scopes import everywhere
from geoservices.statistics import counting


def people_of_a_run(session: Session, draft: Draft, *, smallest: int) -> str:
    """Return in words how many people a run would go through; of few people only that."""
    # Who they are is nobody's but theirs to see.
    with everywhere(session):
        count = run_queries.count_people(
            session,
            draft.said.definition.audience,
            purpose=draft.said.purpose,
            organisation_id=draft.organisation.id,
        )
    told = counting.told(count, smallest=smallest)
    return f"fewer than {smallest} people" if told is None else f"about {told} people"
