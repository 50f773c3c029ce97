"""The workers' part, done by the very functions their jobs call."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices import pipeline
from geoservices.deliveries import receipts
from geoservices.deliveries import service as deliveries
from geoservices.deliveries.models import Delivery
from geoservices.outbox import OutboxMessage
from geoservices.push.gateway import Outcome, OutcomeKind
from geoservices.settings.service import Settings
from tests.api.asking import now


def tell(session: Session, settings: Settings) -> int:
    """Let the campaigns decide on whatever waits; count the notifications made."""
    waiting = session.scalars(select(OutboxMessage.id)).all()
    made = pipeline.decide(session, waiting, settings=settings, at=now())
    session.commit()
    return len(made)


def send(session: Session, settings: Settings, *outcomes: OutcomeKind) -> None:
    """Make one attempt after another at every delivery that waits, ending as given."""
    for kind in outcomes:
        ids = session.scalars(select(Delivery.id)).all()
        sendings = deliveries.claim(
            session,
            ids,
            push=settings.push,
            public_url=settings.public_url,
            receipt_key=receipts.receipt_key(settings),
            at=now(),
        )
        session.commit()
        deliveries.settle(
            session,
            [
                (sending, Outcome(kind=kind, reason=f"{kind} for a test", status=201))
                for sending in sendings
            ],
            push=settings.push,
            at=now(),
        )
        session.commit()
