"""Help for tests of letters: a person with an address, told of things, and a mailer's answers."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Person, Purpose
from geoservices.channels import service as channels
from geoservices.channels.service import Choice
from geoservices.codes.links import make_code_key
from geoservices.letters import addresses, digests, service
from geoservices.letters.models import EmailAddress, Letter
from geoservices.letters.service import Posting
from geoservices.mail.sending import MailOutcome, Sent
from geoservices.notifications.models import Notification
from geoservices.settings.presence import CodeSettings
from geoservices.settings.service import Settings
from tests import notifying
from tests.factories import make_person
from tests.mailing import leading_to
from tests.notifying import PUSH, URL

SETTINGS = Settings(
    database_url=SecretStr("postgresql://unused"),
    broker_url=SecretStr("redis://127.0.0.1:1/0"),
    public_url=URL,
    push=PUSH,
    codes=CodeSettings(key=SecretStr(make_code_key())),
    mail=leading_to(1),
)
SILENT = SETTINGS.model_copy(update={"mail": SETTINGS.mail.model_copy(update={"host": None})})
"""The same with no server for mail."""
TAKEN = MailOutcome(kind=Sent.TAKEN, reason="taken")
PUT_OFF = MailOutcome(kind=Sent.PUT_OFF, reason="450 later")
REFUSED = MailOutcome(kind=Sent.REFUSED, reason="554 spam")
NOBODY = MailOutcome(kind=Sent.NOBODY, reason="550 no such user")


def moment(minute: float) -> datetime:
    """Return an instant by its minutes past noon, which London's clocks show as well."""
    return notifying.moment(60 * minute)


FIVE = moment(300)
"""Five in the afternoon of the same day."""
A_DAY = timedelta(days=1)


@dataclass(slots=True)
class World:
    """A campaign, and people who want to be told of it by letter."""

    session: Session
    told: notifying.World

    @property
    def person(self) -> Person:
        """Whom it is about, unless another is named."""
        return self.told.person

    def set_address(
        self,
        address: str = "anna@example.org",
        *,
        person: Person | None = None,
        digest_at: time = time(17),
        minute: float = 0,
        settings: Settings = SETTINGS,
    ) -> EmailAddress:
        """Give an address."""
        return addresses.set_address(
            self.session,
            person or self.person,
            address,
            digest_at=digest_at,
            settings=settings,
            at=moment(minute),
        )

    def confirm(
        self,
        address: str = "anna@example.org",
        *,
        person: Person | None = None,
        digest_at: time = time(17),
        minute: float = 0,
    ) -> EmailAddress:
        """Give an address, open the link in the letter, and want e-mail for the campaign."""
        person = person or self.person
        given = self.set_address(address, person=person, digest_at=digest_at, minute=minute)
        letter = next(one for one in self.letters(person) if one.address_id == given.id)
        [posting] = self.claim(letter, at=moment(minute))
        self.settle(posting, TAKEN, at=moment(minute))
        addresses.confirm(self.session, token_in(posting), at=moment(minute))
        channels.choose(self.session, person, Choice(purpose=Purpose.NEARBY, email=True))
        self.session.flush()
        return given

    def tell(self, person: Person | None = None, *, minute: float = 1) -> Notification:
        """Tell someone of something."""
        [made] = self.told.tell(self.told.decision(person), second=60 * minute)
        return made

    def make(self, at: datetime, *, limit: int = 100) -> list[Letter]:
        """Make the digests that are due, and return those made."""
        before = {one.id for one in self.letters()}
        digests.make_due(self.session, at=at, limit=limit)
        self.session.flush()
        return [one for one in self.letters() if one.id not in before]

    def letters(self, person: Person | None = None) -> list[Letter]:
        """All letters, or a person's, in the order in which they were made."""
        statement = select(Letter).order_by(Letter.created_at, Letter.id)
        if person is not None:
            statement = statement.where(Letter.person_id == person.id)
        return list(self.session.scalars(statement))

    def claim(self, *letters: Letter, at: datetime, settings: Settings = SETTINGS) -> list[Posting]:
        """Claim letters."""
        return service.claim(self.session, [one.id for one in letters], settings=settings, at=at)

    def settle(self, posting: Posting, outcome: MailOutcome, *, at: datetime) -> None:
        """Settle one attempt."""
        service.settle(self.session, [(posting, outcome)], at=at)
        self.session.flush()

    def citizen(self) -> Person:
        """Another person who agrees to the campaign's purpose."""
        return make_person(self.session, Purpose.NEARBY, Purpose.EMAIL)


def make_world(session: Session) -> World:
    """A published campaign, and a person who agreed to it."""
    return World(session, notifying.make_world(session))


def token_in(posting: Posting) -> str:
    """The secret in a letter that asks for confirmation, or brings a link to set a password."""
    [link] = [line for line in posting.mail.text.splitlines() if "#" in line]
    return urlsplit(link).fragment


def unsubscribe_token_in(posting: Posting) -> str:
    """The token in a digest's link that ends them."""
    assert posting.mail.unsubscribe is not None
    return posting.mail.unsubscribe.partition("?token=")[2]


def mentioned(posting: Posting, notification: Notification | UUID) -> bool:
    """Tell whether a digest speaks of a notification."""
    id_ = notification if isinstance(notification, UUID) else notification.id
    link = f"{URL}/notifications/{id_}"
    in_text, in_html = link in posting.mail.text, link in posting.mail.html
    assert in_text == in_html
    return in_text
