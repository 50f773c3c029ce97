"""Letters to members about their accounts: links that set a password, and what was changed."""

from datetime import UTC, datetime, timedelta
from queue import Queue
from threading import Thread

import pytest
from pyotp import TOTP
from sqlalchemy import select
from sqlalchemy.orm import Session

from geoservices.accounts.models import Organisation
from geoservices.credentials import enrolling, holders
from geoservices.credentials import service as credentials
from geoservices.credentials.links import LinkRefused
from geoservices.credentials.second_factor import SecondFactorRefused
from geoservices.credentials.service import PasswordWrong
from geoservices.database import SessionFactory, transaction
from geoservices.letters import addresses, passwords, service
from geoservices.letters.models import Letter, LetterKind, LetterState
from geoservices.letters.service import Posting
from tests.factories import NOON, make_organisation
from tests.signing import (
    PASSWORD,
    SETTINGS,
    Account,
    Visitor,
    later,
    make_account,
    make_desk,
)
from tests.writing import PUT_OFF, SILENT, token_in

NEW = "gossamer tin walrus ferry"
THIRD = "ember quilt lantern mossy"
SUMMER = datetime(2026, 7, 1, 12, tzinfo=UTC)
CHANGED = (LetterKind.PASSWORD_SET, LetterKind.SECOND_FACTOR_ON, LetterKind.SECOND_FACTOR_OFF)


@pytest.fixture
def organisation(session: Session) -> Organisation:
    """Devon, whose clocks are London's."""
    return make_organisation(session)


@pytest.fixture
def anna(session: Session, organisation: Organisation) -> Account:
    """A manager whose organisation knows where she reads mail."""
    made = make_account(session, organisation)
    made.person.email = "anna@devon.example"
    session.commit()
    return made


@pytest.fixture
def visitor(sessions: SessionFactory) -> Visitor:
    """Anna at the door."""
    return Visitor(make_desk(sessions))


def letters(session: Session, *kinds: LetterKind) -> list[Letter]:
    """The letters of some kinds, the oldest first."""
    session.expire_all()
    found = select(Letter).where(Letter.kind.in_(kinds)).order_by(Letter.created_at, Letter.id)
    return list(session.scalars(found))


def claim(session: Session, letter: Letter, *, at: datetime) -> list[Posting]:
    """Claim a letter."""
    return service.claim(session, [letter.id], settings=SETTINGS, at=at)


def ask(session: Session, kind: LetterKind, anna: Account) -> Letter:
    """Have a letter queued at noon that lets Anna set a password."""
    if kind is LetterKind.INVITATION:
        passwords.invite(session, anna.person, username=None, settings=SETTINGS, at=NOON)
    else:
        passwords.ask_for_reset(session, "anna", settings=SETTINGS, at=NOON)
    session.commit()
    [letter] = letters(session, kind)
    return letter


@pytest.mark.parametrize("kind", [LetterKind.INVITATION, LetterKind.PASSWORD_RESET])
def test_a_letter_sets_no_password_after_one_was_set(
    session: Session, visitor: Visitor, anna: Account, kind: LetterKind
) -> None:
    """Whoever asked for it may be why the password was changed; one asked for later is sent."""
    letter = ask(session, kind, anna)
    here = visitor.tries(at=later(1)).sign_in
    credentials.change_password(visitor.desk, here, current=PASSWORD, new=NEW, at=later(2))

    assert claim(session, letter, at=later(3)) == []
    assert (letter.state, letter.reason) == (LetterState.DROPPED, "a password was set meanwhile")
    passwords.ask_for_reset(session, "anna", settings=SETTINGS, at=later(90))
    [posting] = claim(session, letters(session, LetterKind.PASSWORD_RESET)[-1], at=later(91))
    session.commit()
    credentials.set_password(visitor.desk, token_in(posting), THIRD, at=later(92))


def test_a_letter_that_was_put_off_is_dropped_as_well(
    session: Session, visitor: Visitor, anna: Account
) -> None:
    """Each attempt asks anew; the link of the one before has ended with the password."""
    letter = ask(session, LetterKind.PASSWORD_RESET, anna)
    [posting] = claim(session, letter, at=later(1))
    service.settle(session, [(posting, PUT_OFF)], at=later(2))
    session.commit()
    here = visitor.tries(at=later(3)).sign_in
    credentials.change_password(visitor.desk, here, current=PASSWORD, new=NEW, at=later(4))

    assert claim(session, letter, at=letter.due_at) == []
    assert letter.state == LetterState.DROPPED
    with pytest.raises(LinkRefused):
        credentials.set_password(visitor.desk, token_in(posting), THIRD, at=later(5))


@pytest.mark.parametrize("kind", [LetterKind.INVITATION, LetterKind.PASSWORD_RESET])
def test_a_letter_lets_nobody_in_who_was_disabled_meanwhile(
    session: Session, anna: Account, kind: LetterKind
) -> None:
    """An admin lets them in nowhere."""
    letter = ask(session, kind, anna)
    anna.person.disabled_at = later(1)
    session.commit()

    assert claim(session, letter, at=later(2)) == []
    assert (letter.state, letter.reason) == (LetterState.DROPPED, "the member is let in no more")


def test_no_link_is_made_while_a_password_is_being_set(committed: SessionFactory) -> None:
    """Whoever writes the letter waits until that is committed, and finds it."""
    with committed() as session:
        anna = make_account(session, make_organisation(session))
        anna.person.email = "anna@devon.example"
        letter_id = ask(session, LetterKind.PASSWORD_RESET, anna).id
        person_id = anna.person.id
    came: Queue[list[Posting]] = Queue()

    def write() -> None:
        with transaction(committed) as session:
            came.put(service.claim(session, [letter_id], settings=SETTINGS, at=later(3)))

    with transaction(committed) as session:
        holders.require_account(session, person_id).password_set_at = later(2)
        session.flush()
        writer = Thread(target=write)
        writer.start()
        writer.join(timeout=0.5)
        assert writer.is_alive()
    writer.join(timeout=60)

    assert came.get(timeout=1) == []


def test_a_member_is_told_of_a_new_password(
    session: Session, visitor: Visitor, anna: Account
) -> None:
    """What happened, and when by the organisation's clock; no link leads anywhere."""
    here = visitor.tries(at=SUMMER).sign_in
    credentials.change_password(visitor.desk, here, current=PASSWORD, new=NEW, at=SUMMER)
    [letter] = letters(session, LetterKind.PASSWORD_SET)
    [posting] = claim(session, letter, at=SUMMER + timedelta(minutes=3))

    mail = posting.mail
    assert (mail.to, mail.subject) == ("anna@devon.example", "Your account was changed")
    assert "A password was set for anna at Devon on 1 July 2026 at 13:00 (BST)." in mail.text
    assert "Tell an admin of Devon at once." in mail.text
    assert "://" not in mail.text + mail.html
    assert anna.row.username in mail.html


@pytest.mark.usefixtures("anna")
def test_a_member_is_told_of_their_second_factor(session: Session, visitor: Visitor) -> None:
    """Once it counts, and once it does not, whoever removed it; not of what changed nothing."""
    desk, here = visitor.desk, visitor.tries().sign_in
    app = TOTP(enrolling.begin(desk, here, PASSWORD, at=NOON).secret)
    begun = letters(session, *CHANGED)
    enrolling.confirm(desk, here, app.at(NOON), at=NOON)
    enrolling.remove(desk, here, password=PASSWORD, code=app.at(later(30)), at=later(30))
    app = TOTP(enrolling.begin(desk, here, PASSWORD, at=later(60)).secret)
    enrolling.confirm(desk, here, app.at(later(60)), at=later(60))
    for seconds in (90, 91):
        credentials.remove_second_factor(session, here.person_id, tell=desk.tell, at=later(seconds))
        session.commit()

    told = letters(session, *CHANGED)
    assert begun == []
    assert [(one.kind, one.created_at) for one in told] == [
        (LetterKind.SECOND_FACTOR_ON, NOON),
        (LetterKind.SECOND_FACTOR_OFF, later(30)),
        (LetterKind.SECOND_FACTOR_ON, later(60)),
        (LetterKind.SECOND_FACTOR_OFF, later(90)),
    ]
    texts = [posting.mail.text for one in told[:2] for posting in claim(session, one, at=later(92))]
    assert "A second factor was set up for anna at Devon on 4 March 2026" in texts[0]
    assert "The second factor of anna at Devon was removed on 4 March 2026" in texts[1]


@pytest.mark.usefixtures("anna")
def test_what_was_refused_is_told_to_nobody(session: Session, visitor: Visitor) -> None:
    """A letter is there if and only if the change is."""
    here = visitor.tries().sign_in
    with pytest.raises(PasswordWrong):
        credentials.change_password(visitor.desk, here, current=NEW, new=THIRD, at=NOON)
    enrolling.begin(visitor.desk, here, PASSWORD, at=NOON)
    with pytest.raises(SecondFactorRefused):
        enrolling.confirm(visitor.desk, here, "abcdef", at=NOON)

    assert letters(session, *CHANGED) == []


def test_who_cannot_be_written_to_changes_their_password_all_the_same(
    session: Session, sessions: SessionFactory, anna: Account
) -> None:
    """Without an address, and where no letters are sent."""
    silent = SETTINGS.model_copy(update={"mail": SILENT.mail})
    for email, settings, words in (
        (None, SETTINGS, (PASSWORD, NEW)),
        ("anna@devon.example", silent, (NEW, THIRD)),
    ):
        anna.person.email = email
        session.commit()
        visitor = Visitor(make_desk(sessions, settings))
        here = visitor.tries(password=words[0]).sign_in
        credentials.change_password(visitor.desk, here, current=words[0], new=words[1], at=NOON)

    assert letters(session, *CHANGED) == []


def test_withdrawing_a_consent_calls_no_letter_about_the_account_back(
    session: Session, visitor: Visitor, anna: Account
) -> None:
    """Or whoever took an account over could keep its member from hearing of it."""
    here = visitor.tries().sign_in
    credentials.change_password(visitor.desk, here, current=PASSWORD, new=NEW, at=NOON)
    addresses.forget(session, anna.person.id)
    session.commit()

    [letter] = letters(session, LetterKind.PASSWORD_SET)
    assert letter.state == LetterState.QUEUED
