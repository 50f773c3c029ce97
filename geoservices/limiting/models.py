"""What has been spent."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.database import Base
from geoservices.register import Basis, Kept, about, personal


class Spending(Base):
    """That somebody asked for something lately: `free_at` is when it is all forgotten.

    The key is a keyed hash, so that no address or name can be read from it. The table is not
    logged: a commit waits for no disk, and after a crash everybody begins anew.
    """

    __tablename__ = "spendings"
    __table_args__ = (
        {
            "prefixes": ["UNLOGGED"],
            "info": about(
                purpose="let nobody ask so often that others cannot (Art. 32)",
                basis=Basis.PUBLIC_TASK,
                kept=Kept(words="until it is forgotten, a day at most"),
            ),
        },
    )

    key: Mapped[bytes] = mapped_column(
        LargeBinary(32),
        primary_key=True,
        info=personal("a keyed hash of an address, account or token"),
    )
    free_at: Mapped[datetime] = mapped_column(
        index=True, info=personal("how often it was used lately, as an instant")
    )
