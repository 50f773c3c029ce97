"""Which ways a person chose for which purpose."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.accounts.models import Purpose
from geoservices.database import Base, one_of
from geoservices.register import Basis, about, personal


class ChannelChoice(Base):
    """By which ways a person wants to be told what is sent for one purpose.

    Without a row it is by push and not by e-mail. Whether anything is sent for a purpose at all is
    a matter of consent, and everything is in the inbox.
    """

    __tablename__ = "channel_choices"
    __table_args__ = (
        CheckConstraint(one_of("purpose", Purpose), name="purpose_known"),
        {"info": about(purpose="tell people by the ways they chose", basis=Basis.CONSENT)},
    )

    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True, info=personal("whose choice")
    )
    purpose: Mapped[str] = mapped_column(String(40), primary_key=True, info=personal("for what"))
    push: Mapped[bool] = mapped_column(info=personal("whether by push"))
    email: Mapped[bool] = mapped_column(info=personal("whether by e-mail"))
