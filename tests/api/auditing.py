"""The audit log, as tests look at it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.audit.models import AuditEntry


def written(session: Session) -> list[AuditEntry]:
    """The log, as it is now."""
    session.expire_all()
    return list(session.scalars(select(AuditEntry).order_by(AuditEntry.number)))
