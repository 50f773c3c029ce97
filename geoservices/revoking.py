"""Everything ended by which a member gets in, or their programs do for them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from geoservices.accounts import issuing
from geoservices.accounts import queries as accounts
from geoservices.agendas import queries as agendas


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """How much of somebody's was still valid."""

    sign_ins: int
    devices: int
    calendars: int


def revoke_member(session: Session, slug: str, *, name: str, at: datetime) -> Revoked:
    """Make all that members of that name or address have worthless at once.

    Raises:
        NotFound: There is no such organisation, or nobody in it is called that.
    """
    members = [member.id for member in issuing.members_called(session, slug, name)]
    sign_ins, devices = accounts.revoke_all_of(session, members, at=at)
    calendars = agendas.delete_links(session, members)
    return Revoked(sign_ins=sign_ins, devices=devices, calendars=calendars)
