"""What is asked of the database for the command line alone."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation


def organisations(session: Session) -> list[Organisation]:
    """Return every organisation, by slug."""
    return list(session.scalars(select(Organisation).order_by(Organisation.slug)))
