"""Links by which people's calendar programs fetch what they signed up for."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base
from geoservices.register import Basis, Kept, about, personal


class CalendarLink(Base):
    """A person's link; the next one takes its place. Only the hash of its secret is kept."""

    __tablename__ = "calendar_links"
    __table_args__ = (
        {
            "info": about(
                purpose="let a person's own calendar program fetch what they signed up for",
                basis=Basis.CONSENT,
                kept=Kept(words="until the person revokes it, makes another, or is erased"),
            )
        },
    )

    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True, info=personal("whose it is")
    )
    token_hash: Mapped[bytes] = mapped_column(
        LargeBinary(32), unique=True, info=personal("the hash of its secret")
    )
    made_at: Mapped[datetime] = mapped_column(info=personal("when it was made"))
