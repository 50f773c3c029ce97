"""Organisations, people, their devices and consents, and where members are signed in."""

from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, LargeBinary, String, false
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geoservices.access.rights import Role
from geoservices.database import Base, one_of
from geoservices.register import Basis, Kept, about, not_personal, personal

WITHDRAWN = "after it was withdrawn"
last_position = partial(
    personal,
    special=True,
    basis=Basis.CONSENT,
    kept=Kept(setting="intake.ping_retention", words="after it was sent"),
)


class Purpose(StrEnum):
    """What a person may agree to; each by itself, each withdrawn by itself."""

    CHECK_IN_CONTENT = "check-in-content"
    NEARBY = "nearby"
    STAFF_TASKS = "staff-tasks"
    STATISTICS = "statistics"
    EMAIL = "email"


class Organisation(Base):
    """A council, library service, university or health trust that runs the service."""

    __tablename__ = "organisations"
    __table_args__ = ({"info": not_personal},)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    time_zone: Mapped[str] = mapped_column(String(60))
    presence: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    """Rules of presence of its own (`geofences.overrides`), laid over the service's."""
    counted_until: Mapped[datetime | None]
    """Up to when visits at its places have been counted: all before is closed."""
    created_at: Mapped[datetime]


class Person(Base):
    """Someone the service speaks to.

    A citizen is anonymous and belongs to no organisation; members belong to one.
    Quiet hours are in the person's own time zone and may run over midnight. `email` is where a
    member is known by when signing in, in lower case; `reach` (`access.reach`) limits a manager
    to some of the organisation's places. A member with `disabled_at` is let in nowhere.
    """

    __tablename__ = "people"
    __table_args__ = (
        CheckConstraint(one_of("role", Role), name="role_known"),
        CheckConstraint(
            "(role = 'citizen') = (organisation_id IS NULL)", name="citizens_belong_to_nobody"
        ),
        CheckConstraint(
            "working_hours IS NULL OR organisation_id IS NOT NULL", name="members_have_hours"
        ),
        CheckConstraint("(quiet_from IS NULL) = (quiet_until IS NULL)", name="quiet_hours_whole"),
        CheckConstraint("email = lower(email)", name="email_in_lower_case"),
        CheckConstraint("email IS NULL OR role <> 'citizen'", name="email_is_a_members"),
        CheckConstraint("reach IS NULL OR role = 'manager'", name="reach_is_a_managers"),
        Index(
            "uq_people_email",
            "organisation_id",
            "email",
            unique=True,
            postgresql_where="email IS NOT NULL",
        ),
        {
            "info": about(
                purpose="know who is spoken to, in which role, and when not to disturb them",
                basis=Basis.PUBLIC_TASK,
                kept=Kept(
                    words="until the person is erased, which citizens are by themselves once they "
                    "have no device and no confirmed address"
                ),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the person's number")
    )
    organisation_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("organisations.id"),
        index=True,
        info=personal("where a member works; none for citizens"),
    )
    role: Mapped[str] = mapped_column(String(20), info=personal("what they are to the service"))
    name: Mapped[str | None] = mapped_column(
        String(200), info=personal("a member's name; none for citizens")
    )
    email: Mapped[str | None] = mapped_column(
        String(254), info=personal("a member's address at work; none for citizens")
    )
    reach: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=personal("which places a manager manages, if not all")
    )
    time_zone: Mapped[str] = mapped_column(String(60), info=personal("their time zone"))
    quiet_from: Mapped[time | None] = mapped_column(info=personal("when not to disturb them"))
    quiet_until: Mapped[time | None] = mapped_column(info=personal("when not to disturb them"))
    working_hours: Mapped[str | None] = mapped_column(
        String(300), info=personal("when a member is at work, in OSM's syntax and their time zone")
    )
    skills: Mapped[list[str]] = mapped_column(
        ARRAY(String(60)), default=list, server_default="{}", info=personal("what a member can do")
    )
    created_at: Mapped[datetime] = mapped_column(info=personal("since when they are known"))
    disabled_at: Mapped[datetime | None] = mapped_column(
        info=personal("when their organisation let them in no more")
    )


class Device(Base):
    """A phone or browser of a person's, known by a token of which only the hash is kept.

    `token_made_at` is when it got the token it has now; None while that is its first one.
    `last_used_at` is None while it was used on no day but its first.

    Whoever stores or follows what a device sends holds its row, which also says up to when it has
    been followed. That outlives the positions: `fix_lon` and `fix_lat`, the last that was tested,
    go when the others do. Of a device with `places_only` no position is stored or followed; what
    its phone says of places it watches itself is taken.
    """

    __tablename__ = "devices"
    __table_args__ = (
        {
            "info": about(
                purpose="know a phone or browser again, and follow what it sends in order",
                basis=Basis.PUBLIC_TASK,
                kept=Kept(
                    setting="retention.devices",
                    words="after it was signed off, which it is by itself where it is not used",
                ),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the device's number")
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), index=True, info=personal("whose it is")
    )
    token_hash: Mapped[bytes] = mapped_column(
        LargeBinary(32), unique=True, info=personal("the hash of its token")
    )
    token_made_at: Mapped[datetime | None] = mapped_column(
        info=personal("when it got the token it has now")
    )
    label: Mapped[str | None] = mapped_column(String(100), info=personal("what its owner calls it"))
    places_only: Mapped[bool] = mapped_column(
        default=False, server_default=false(), info=personal("whether it shares places only")
    )
    created_at: Mapped[datetime] = mapped_column(info=personal("since when it is known"))
    last_used_at: Mapped[datetime | None] = mapped_column(
        info=personal("when its token was last used, to a day; positions are noted by themselves")
    )
    revoked_at: Mapped[datetime | None] = mapped_column(info=personal("when it was signed off"))
    followed_until: Mapped[datetime | None] = mapped_column(
        info=personal("when it last sent a position")
    )
    fix_at: Mapped[datetime | None] = mapped_column(
        info=last_position("when it was at its last position")
    )
    fix_lon: Mapped[float | None] = mapped_column(info=last_position("its last position"))
    fix_lat: Mapped[float | None] = mapped_column(info=last_position("its last position"))
    fix_accuracy_m: Mapped[float | None] = mapped_column(info=last_position("how good that was"))


class OtherToken(Base):
    """A token of a device's besides the one it goes by: the next one, or one of before.

    The next one has no `ended_at`: it was given out and not used yet. Tokens of before are kept,
    as hashes too, so that somebody who still uses one is noticed.
    """

    __tablename__ = "other_tokens"
    __table_args__ = (
        Index(
            "uq_other_tokens_next",
            "device_id",
            unique=True,
            postgresql_where="ended_at IS NULL",
        ),
        {
            "info": about(
                purpose="exchange a device's token, and notice who uses an old one",
                basis=Basis.PUBLIC_TASK,
                kept=Kept(setting="retention.devices", words="after another took its place"),
            )
        },
    )

    token_hash: Mapped[bytes] = mapped_column(
        LargeBinary(32), primary_key=True, info=personal("the hash of the token")
    )
    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("devices.id", ondelete="CASCADE"), index=True, info=personal("whose it is")
    )
    made_at: Mapped[datetime] = mapped_column(info=personal("when it was made"))
    ended_at: Mapped[datetime | None] = mapped_column(info=personal("when another took its place"))


class JoiningCode(Base):
    """What another phone or browser shows to become a device of the same person, once.

    A person has one at most, made by one of their devices. Only a keyed hash is kept: a code is
    short enough to be read aloud, so a plain hash of it could be undone by trying them all.
    """

    __tablename__ = "joining_codes"
    __table_args__ = (
        {
            "info": about(
                purpose="let a person's second phone or browser be theirs", basis=Basis.PUBLIC_TASK
            )
        },
    )

    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"),
        primary_key=True,
        info=personal("whose devices another joins"),
    )
    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("devices.id", ondelete="CASCADE"),
        index=True,
        info=personal("which device shows it"),
    )
    mark: Mapped[bytes] = mapped_column(
        LargeBinary(32), unique=True, info=personal("a keyed hash of the code")
    )
    expires_at: Mapped[datetime] = mapped_column(index=True, info=personal("until when it is good"))


class Consent(Base):
    """One purpose a person agreed to, with the version and language of the text they saw."""

    __tablename__ = "consents"
    __table_args__ = (
        CheckConstraint(one_of("purpose", Purpose), name="purpose_known"),
        Index(
            "uq_consents_in_force",
            "person_id",
            "purpose",
            unique=True,
            postgresql_where="withdrawn_at IS NULL",
        ),
        {
            "info": about(
                purpose="be able to show who agreed to what (Art. 7(1))",
                basis=Basis.LEGAL_OBLIGATION,
                kept=Kept(setting="retention.consents", words=WITHDRAWN),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the consent's number")
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), index=True, info=personal("who agreed")
    )
    purpose: Mapped[str] = mapped_column(String(40), info=personal("to what"))
    text_version: Mapped[str] = mapped_column(String(40), info=personal("which words they saw"))
    language: Mapped[str] = mapped_column(
        String(20),
        default="en-GB",
        server_default="en-GB",
        info=personal("in which language"),
    )
    given_at: Mapped[datetime] = mapped_column(info=personal("when they agreed"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(info=personal("when they withdrew it"))


class ConsentEvent(StrEnum):
    """What became of a consent."""

    GIVEN = "given"
    REPLACED = "replaced"
    """The person agreed to other words, and this one gave way to that."""
    WITHDRAWN = "withdrawn"


class Credential(StrEnum):
    """By what a person was known."""

    DEVICE = "device"
    SIGN_IN = "sign-in"


class ConsentReceipt(Base):
    """That a consent was given or ended: what for, in which words, when, and by what.

    It outlives the consent, so that the person and the service can show what was agreed to.
    """

    __tablename__ = "consent_receipts"
    __table_args__ = (
        CheckConstraint(one_of("purpose", Purpose), name="purpose_known"),
        CheckConstraint(one_of("event", ConsentEvent), name="event_known"),
        CheckConstraint(one_of("credential", Credential), name="credential_known"),
        Index("ix_consent_receipts_person", "person_id", "occurred_at", "id"),
        Index("ix_consent_receipts_occurred", "occurred_at"),
        {
            "info": about(
                purpose="be able to show who agreed to what, and let them show it (Art. 7(1))",
                basis=Basis.LEGAL_OBLIGATION,
                kept=Kept(setting="retention.consents", words=WITHDRAWN),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the receipt's number")
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), info=personal("whose consent it is")
    )
    consent_id: Mapped[UUID] = mapped_column(info=personal("which consent"))
    purpose: Mapped[str] = mapped_column(String(40), info=personal("to what"))
    text_version: Mapped[str] = mapped_column(String(40), info=personal("which words they saw"))
    language: Mapped[str] = mapped_column(String(20), info=personal("in which language"))
    event: Mapped[str] = mapped_column(String(20), info=personal("what became of it"))
    credential: Mapped[str] = mapped_column(String(20), info=personal("by what they were known"))
    occurred_at: Mapped[datetime] = mapped_column(info=personal("when"))


class SignInKind(StrEnum):
    """How somebody signed in."""

    TOKEN = "token"  # noqa: S105  # The word, not one of them.
    PASSWORD = "password"  # noqa: S105  # As above.
    OIDC = "oidc"


class SignIn(Base):
    """That a member is signed in somewhere; its token is kept as a hash.

    A `token` was made on the command line for programs of theirs. `provider_session` is what the
    identity provider calls its own session (OpenID Connect Back-Channel Logout 1.0, `sid`). One
    that was not used for `idle` has ended. One that is `enrolling` is good for nothing but setting
    up a second factor.
    """

    __tablename__ = "sign_ins"
    __table_args__ = (
        CheckConstraint(one_of("kind", SignInKind), name="kind_known"),
        {
            "info": about(
                purpose="let members in, and nobody else",
                basis=Basis.PUBLIC_TASK,
                kept=Kept(setting="retention.sign_ins", words="after it is over"),
            )
        },
    )

    id: Mapped[UUID] = mapped_column(
        primary_key=True, default=uuid4, info=personal("the sign-in's number")
    )
    person_id: Mapped[UUID] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), index=True, info=personal("who signed in")
    )
    kind: Mapped[str] = mapped_column(String(20), info=personal("how"))
    token_hash: Mapped[bytes] = mapped_column(
        LargeBinary(32), unique=True, info=personal("the hash of its token")
    )
    label: Mapped[str] = mapped_column(String(200), info=personal("where, in words"))
    provider_session: Mapped[str | None] = mapped_column(
        String(300), index=True, info=personal("the identity provider's name for its own session")
    )
    enrolling: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        info=personal("whether it only serves to set up a second factor"),
    )
    idle: Mapped[timedelta | None] = mapped_column(
        info=personal("how long it holds while it is not used")
    )
    created_at: Mapped[datetime] = mapped_column(info=personal("when"))
    last_used_at: Mapped[datetime] = mapped_column(info=personal("when it was last used"))
    expires_at: Mapped[datetime] = mapped_column(info=personal("until when it holds"))
    revoked_at: Mapped[datetime | None] = mapped_column(info=personal("when it was ended"))
