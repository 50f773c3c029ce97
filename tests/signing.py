"""Help for tests of signing in: accounts, an authenticator app, and somebody at the door."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

from pydantic import SecretStr
from pyotp import TOTP
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts.models import Organisation, Person
from geoservices.codes.links import make_code_key
from geoservices.credentials import queries
from geoservices.credentials.factors import hash_recovery_code, make_recovery_codes, seal
from geoservices.credentials.hashing import Hasher
from geoservices.credentials.models import LocalAccount
from geoservices.credentials.second_factor import keys_of
from geoservices.credentials.service import Desk, Given, SignedIn, sign_in
from geoservices.database import SessionFactory
from geoservices.letters import changes
from geoservices.limiting.limiter import Limiter
from geoservices.settings.entering import LimitSettings, SignInSettings
from geoservices.settings.service import Settings
from tests.factories import NOON
from tests.writing import SETTINGS as WITH_MAIL

CHEAP = SignInSettings(key=SecretStr(make_code_key()), hash_memory_kib=7168, hash_rounds=1)
"""Hashing that takes as little as it may."""
HASHER = Hasher(CHEAP)
PASSWORD = "plinth owl gravel cello"
UNLIMITED = LimitSettings(
    **dict.fromkeys(LimitSettings.model_fields, "100000/PT1S"),
)
"""So that what is tested is what the waits do by themselves."""
SETTINGS = WITH_MAIL.model_copy(update={"sign_in": CHEAP, "limits": UNLIMITED})


@dataclass(slots=True, kw_only=True)
class Account:
    """An account, and what its member has in their head, on their phone and in their drawer."""

    person: Person
    row: LocalAccount
    password: str = PASSWORD
    secret: str | None = None
    recovery_codes: list[str] = field(default_factory=list)

    def code(self, at: datetime) -> str:
        """What the app shows."""
        assert self.secret
        return TOTP(self.secret).at(at)


def make_account(
    session: Session,
    organisation: Organisation,
    *,
    role: Role = Role.MANAGER,
    username: str = "anna",
    password: str | None = PASSWORD,
    second_factor: bool = False,
    settings: Settings = SETTINGS,
) -> Account:
    """A member with an account, by default one that has a password and no second factor."""
    person = Person(
        id=uuid4(),
        organisation_id=organisation.id,
        role=role,
        name="Anna Trelawney",
        time_zone="Europe/London",
        created_at=NOON,
    )
    session.add(person)
    session.flush()
    row = LocalAccount(
        person_id=person.id,
        username=username,
        password_hash=HASHER.hash(password) if password else None,
        password_set_at=NOON if password else None,
        created_at=NOON,
    )
    session.add(row)
    session.flush()
    made = Account(person=person, row=row, password=password or "")
    if second_factor:
        made.secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
        row.totp_sealed = seal(keys_of(settings)[0], person.id, made.secret)
        row.totp_confirmed_at = NOON
        made.recovery_codes = make_recovery_codes()
        hashes = [hash_recovery_code(person.id, one) for one in made.recovery_codes]
        queries.replace_recovery_codes(session, person.id, hashes)
    session.commit()
    return made


def make_desk(sessions: SessionFactory, settings: Settings = SETTINGS) -> Desk:
    """Where passwords are looked at."""
    return Desk(
        sessions=sessions,
        hasher=Hasher(settings.sign_in),
        limiter=Limiter(sessions, settings),
        settings=settings,
        tell=partial(changes.tell, settings=settings),
    )


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody at the door, from wherever they say."""

    desk: Desk

    def tries(
        self,
        *,
        at: datetime = NOON,
        username: str = "anna",
        password: str = PASSWORD,
        code: str | None = None,
        shown: str | None = None,
    ) -> SignedIn:
        """Try to sign in."""
        given = Given(
            username=username,
            password=password,
            code=code,
            shown=shown,
            address="::1",
            label="Firefox",
        )
        return sign_in(self.desk, given, at=at)


def later(seconds: float) -> datetime:
    """Return an instant by its seconds past noon."""
    return NOON + timedelta(seconds=seconds)
