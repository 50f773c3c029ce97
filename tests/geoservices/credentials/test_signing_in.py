"""Signing in: guessing, finding out who there is, and using something twice."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geoservices.access.rights import Role
from geoservices.accounts import service as accounts
from geoservices.accounts.models import Organisation, SignIn
from geoservices.codes.links import make_code_key
from geoservices.credentials import service
from geoservices.credentials.attempts import TooManyAttempts
from geoservices.credentials.links import LinkRefused, make_link
from geoservices.credentials.models import FailedAttempts, LinkKind, LocalAccount, RecoveryCode
from geoservices.credentials.rules import PasswordRefused
from geoservices.credentials.second_factor import (
    SecondFactorNeeded,
    SecondFactorRefused,
)
from geoservices.credentials.service import PasswordWrong, SignInRefused
from geoservices.credentials.waits import LONGEST_WAIT, wait_after
from geoservices.database import SessionFactory
from geoservices.limiting.limiter import TooManyRequests
from geoservices.settings.entering import LimitSettings
from tests.factories import NOON, make_organisation
from tests.signing import (
    CHEAP,
    PASSWORD,
    SETTINGS,
    Account,
    Visitor,
    later,
    make_account,
    make_desk,
)

WRONG = "not the password at all"
NEW = "gossamer tin walrus ferry"


@pytest.fixture
def organisation(session: Session) -> Organisation:
    """Devon."""
    return make_organisation(session)


@pytest.fixture
def anna(session: Session, organisation: Organisation) -> Account:
    """A manager with a password."""
    return make_account(session, organisation)


@pytest.fixture
def visitor(sessions: SessionFactory) -> Visitor:
    """Somebody at the door."""
    return Visitor(make_desk(sessions))


def fails(visitor: Visitor, count: int, **tried: Any) -> None:
    """Be wrong so many times, as soon as each wait is over."""
    at = tried.pop("at", NOON)
    for number in range(count):
        with pytest.raises((SignInRefused, SecondFactorRefused)):
            visitor.tries(at=at, **({"password": WRONG} | tried))
        at += wait_after(number + 1)


@pytest.mark.usefixtures("anna")
def test_whoever_knows_the_password_is_let_in(visitor: Visitor, session: Session) -> None:
    """However the username is written; with a new token each time."""
    first, second = visitor.tries(), visitor.tries(username=" ANNA ")

    known = accounts.authenticate_member(session, first.token, at=NOON)
    assert known is not None
    assert known[1].name == "Anna Trelawney"
    assert first.token != second.token
    assert first.sign_in.expires_at == NOON + timedelta(hours=12)


def test_who_there_is_cannot_be_told_by_the_answer(
    visitor: Visitor, session: Session, organisation: Organisation, anna: Account
) -> None:
    """A wrong password, an unknown username and an account without a password are all the same."""
    make_account(session, organisation, username="invited", password=None)
    told = set()
    for username in (anna.row.username, "nobody", "invited", "no username at all!"):
        with pytest.raises(SignInRefused) as refused:
            visitor.tries(username=username, password=WRONG)
        told.add((str(refused.value), refused.value.code))

    assert len(told) == 1


def test_who_there_is_cannot_be_told_by_the_waits(visitor: Visitor, anna: Account) -> None:
    """They come after as many attempts and last as long."""
    waits = []
    for username in (anna.row.username, "nobody"):
        fails(visitor, 8, username=username)
        with pytest.raises(TooManyAttempts) as refused:
            visitor.tries(at=later(8), username=username, password=WRONG)
        waits.append(refused.value.retry_after_s)

    assert waits[0] == waits[1] > 0


def test_who_there_is_cannot_be_told_by_the_time(
    sessions: SessionFactory, session: Session, organisation: Organisation
) -> None:
    """An unknown username takes as much hashing; the rest is within noise of it."""
    settings = SETTINGS.model_copy(update={"sign_in": CHEAP.model_copy(update={"hash_rounds": 4})})
    visitor = Visitor(make_desk(sessions, settings))
    for number in range(15):
        made = make_account(session, organisation, username=f"anna{number}")
        made.row.password_hash = visitor.desk.hasher.hash(PASSWORD)
    session.commit()

    def took(username: str) -> float:
        began = time.process_time()
        with pytest.raises(SignInRefused):
            visitor.tries(username=username, password=WRONG)
        return time.process_time() - began

    known, unknown = [], []
    for number in range(15):
        known.append(took(f"anna{number}"))
        unknown.append(took(f"nobody{number}"))

    assert 0.7 < median(known) / median(unknown) < 1.4


@pytest.mark.usefixtures("anna")
def test_guessing_becomes_slow(visitor: Visitor) -> None:
    """After five, each guess takes a wait, in which not even the right password is looked at."""
    fails(visitor, 7)
    with pytest.raises(TooManyAttempts) as refused:
        visitor.tries(at=later(1 + 2 + 3))

    assert refused.value.retry_after_s == 1
    assert visitor.tries(at=later(1 + 2 + 4)).token


@pytest.mark.usefixtures("anna")
def test_a_day_of_guessing_brings_a_hundred_guesses(visitor: Visitor) -> None:
    """And then the member gets in: nobody is locked out for good."""
    at, made = NOON, 0
    while at < NOON + timedelta(days=1):
        with pytest.raises(SignInRefused):
            visitor.tries(at=at, password=WRONG)
        made += 1
        at += wait_after(made)

    assert made < 115
    assert visitor.tries(at=at).token


@pytest.mark.usefixtures("anna")
def test_attempts_in_a_wait_do_not_make_it_longer(visitor: Visitor, session: Session) -> None:
    """Else whoever keeps asking would keep everyone out."""
    fails(visitor, 9)
    for _ in range(20):
        with pytest.raises(TooManyAttempts):
            visitor.tries(at=later(16), password=WRONG)

    assert session.scalars(select(FailedAttempts.count)).one() == 9


@pytest.mark.usefixtures("anna")
def test_what_strangers_do_keeps_no_known_browser_waiting(visitor: Visitor) -> None:
    """A browser that has signed in before counts for itself, and so is limited itself."""
    known = visitor.tries().browser_pass
    fails(visitor, 12)
    at = later(200)

    with pytest.raises(TooManyAttempts):
        visitor.tries(at=at)
    assert visitor.tries(at=at, shown=known).token
    fails(visitor, 6, at=at, shown=known)
    with pytest.raises(TooManyAttempts):
        visitor.tries(at=at, shown=known)


def test_a_pass_of_ones_own_helps_at_no_other_account(
    visitor: Visitor, session: Session, organisation: Organisation, anna: Account
) -> None:
    """Else every member could guess at every other for ever, with a new pass each time."""
    make_account(session, organisation, username="bert")
    passes = [visitor.tries(username="bert").browser_pass for _ in range(9)]
    for number, shown in enumerate(passes[:5]):
        with pytest.raises(SignInRefused):
            visitor.tries(at=later(number), password=WRONG, shown=shown)
    fails(visitor, 1, at=later(10))
    with pytest.raises(TooManyAttempts):
        visitor.tries(at=later(10), username=anna.row.username, shown=passes[6])


@pytest.mark.usefixtures("anna")
def test_an_account_and_an_address_have_so_many_attempts(sessions: SessionFactory) -> None:
    """Besides the waits, right passwords count too, and all accounts that an address tries."""
    limits = LimitSettings(sign_in_by_account="3/PT15M", sign_in_by_address="5/PT15M")
    visitor = Visitor(make_desk(sessions, SETTINGS.model_copy(update={"limits": limits})))
    for _ in range(3):
        visitor.tries()

    with pytest.raises(TooManyRequests):
        visitor.tries()
    with pytest.raises(SignInRefused):
        visitor.tries(username="nobody")
    with pytest.raises(TooManyRequests):
        visitor.tries(username="somebody")


def test_parallel_guesses_all_count(committed: SessionFactory) -> None:
    """Each is counted before it is looked at, so none slips by while others are being hashed."""
    with committed() as session:
        make_account(session, make_organisation(session))
    visitor = Visitor(make_desk(committed))

    def guess(_number: int) -> type[Exception]:
        try:
            visitor.tries(password=WRONG)
        except (SignInRefused, TooManyAttempts) as refused:
            return type(refused)
        raise AssertionError

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(guess, range(24)))

    assert found.count(SignInRefused) == 5
    assert found.count(TooManyAttempts) == 19


def test_a_code_is_asked_for_and_taken_once(
    visitor: Visitor, session: Session, organisation: Organisation
) -> None:
    """Whoever looked over a shoulder comes too late with it, and with the one before it as well."""
    bert = make_account(session, organisation, username="bert", second_factor=True)
    code, before = bert.code(NOON), bert.code(later(-30))

    with pytest.raises(SecondFactorNeeded):
        visitor.tries(username="bert")
    assert visitor.tries(username="bert", code=code).token
    for used in (code, before):
        with pytest.raises(SecondFactorRefused):
            visitor.tries(username="bert", code=used)
    assert visitor.tries(username="bert", at=later(30), code=bert.code(later(30))).token


@pytest.mark.usefixtures("anna")
def test_codes_cannot_be_guessed_either(
    visitor: Visitor, session: Session, organisation: Organisation
) -> None:
    """Wrong ones count as wrong passwords do, and the right password between them forgives none."""
    make_account(session, organisation, username="bert", second_factor=True)
    for number in range(5):
        at = later(number)
        with pytest.raises((SecondFactorNeeded, SecondFactorRefused)):
            visitor.tries(username="bert", at=at, code="000000" if number % 2 else None)

    with pytest.raises(TooManyAttempts):
        visitor.tries(username="bert", at=later(4))


def test_a_wrong_password_tells_nothing_of_a_second_factor(
    visitor: Visitor, session: Session, organisation: Organisation
) -> None:
    """With the right code beside it or not, which stays good."""
    bert = make_account(session, organisation, username="bert", second_factor=True)
    for code in (None, "000000", bert.code(NOON)):
        with pytest.raises(SignInRefused):
            visitor.tries(username="bert", password=WRONG, code=code)

    assert visitor.tries(username="bert", code=bert.code(NOON)).token


def test_one_code_sent_by_many_lets_one_in(committed: SessionFactory) -> None:
    """Of the app, and of recovery: parallel clients with the same code are all but one refused."""
    with committed() as session:
        organisation = make_organisation(session)
        bert = make_account(session, organisation, username="bert", second_factor=True)
        carl = make_account(session, organisation, username="carl", second_factor=True)
    visitor = Visitor(make_desk(committed))
    passes = {
        name: visitor.tries(
            username=name, code=account.code(later(-60)), at=later(-60)
        ).browser_pass
        for name, account in (("bert", bert), ("carl", carl))
    }

    def is_let_in(username: str, code: str) -> bool:
        try:
            visitor.tries(username=username, code=code, shown=passes[username])
        except (SecondFactorRefused, TooManyAttempts):
            return False
        return True

    sent = [("bert", bert.code(NOON))] * 5 + [("carl", carl.recovery_codes[0])] * 5
    with ThreadPoolExecutor(10) as threads:
        let_in = [
            name
            for (name, _), is_in in zip(
                sent, threads.map(lambda one: is_let_in(*one), sent), strict=True
            )
            if is_in
        ]

    assert sorted(let_in) == ["bert", "carl"]


def test_each_recovery_code_is_good_once(
    visitor: Visitor, session: Session, organisation: Organisation
) -> None:
    """For its own member."""
    bert = make_account(session, organisation, username="bert", second_factor=True)
    carl = make_account(session, organisation, username="carl", second_factor=True)

    assert visitor.tries(username="bert", code=bert.recovery_codes[0].upper()).token
    for code in (bert.recovery_codes[0], carl.recovery_codes[1]):
        with pytest.raises(SecondFactorRefused):
            visitor.tries(username="bert", code=code)
    used = select(func.count()).where(RecoveryCode.used_at.is_not(None))
    assert session.scalar(used) == 1


def test_the_key_of_second_factors_can_be_changed(
    visitor: Visitor, session: Session, organisation: Organisation, sessions: SessionFactory
) -> None:
    """What the old one had sealed is sealed anew; without either, recovery codes still do."""
    bert = make_account(session, organisation, username="bert", second_factor=True)
    assert CHEAP.key
    new = SecretStr(make_code_key())
    both = CHEAP.model_copy(update={"key": new, "old_keys": (CHEAP.key,)})
    fresh = CHEAP.model_copy(update={"key": new})

    def at_the_door(sign_in: Any) -> Visitor:
        return Visitor(make_desk(sessions, SETTINGS.model_copy(update={"sign_in": sign_in})))

    with pytest.raises(SecondFactorRefused):
        at_the_door(fresh).tries(username="bert", code=bert.code(NOON))
    assert at_the_door(both).tries(username="bert", code=bert.code(NOON)).token
    later_code = bert.code(later(60))
    assert at_the_door(fresh).tries(username="bert", at=later(60), code=later_code).token
    with pytest.raises(SecondFactorRefused):
        visitor.tries(username="bert", at=later(120), code=bert.code(later(120)))
    assert visitor.tries(username="bert", code=bert.recovery_codes[0]).token


def test_a_better_hash_replaces_the_one_there_is(
    sessions: SessionFactory, session: Session, anna: Account
) -> None:
    """When its member signs in, the only time the password is known."""
    dearer = SETTINGS.model_copy(update={"sign_in": CHEAP.model_copy(update={"hash_rounds": 2})})
    before = anna.row.password_hash
    visitor = Visitor(make_desk(sessions, dearer))

    visitor.tries()
    session.refresh(anna.row)
    after = anna.row.password_hash
    visitor.tries()
    session.refresh(anna.row)

    assert before
    assert after
    assert ("t=1" in before, "t=2" in after) == (True, True)
    assert anna.row.password_hash == after


def test_hashes_are_made_as_owasp_has_it(anna: Account) -> None:
    """Argon2id, 19 MiB, two rounds, one lane, unless the settings say otherwise."""
    made = make_desk(SessionFactory(), SETTINGS.model_copy(update={"sign_in": type(CHEAP)()}))

    assert made.hasher.hash("anything").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert anna.row.password_hash != make_desk(SessionFactory()).hasher.hash(PASSWORD)


def test_a_changed_password_ends_the_other_sign_ins(
    visitor: Visitor, session: Session, anna: Account
) -> None:
    """The one that changed it goes on."""
    here, there = visitor.tries(), visitor.tries()

    service.change_password(visitor.desk, here.sign_in, current=PASSWORD, new=NEW, at=later(1))

    assert accounts.authenticate_member(session, here.token, at=later(2))
    assert accounts.authenticate_member(session, there.token, at=later(2)) is None
    with pytest.raises(SignInRefused):
        visitor.tries(password=PASSWORD)
    assert visitor.tries(password=NEW).token
    session.refresh(anna.row)
    assert anna.row.password_set_at == later(1)


@pytest.mark.usefixtures("anna")
def test_changing_a_password_takes_the_present_one(visitor: Visitor) -> None:
    """Whoever found a browser open cannot guess it there, and keeps nobody else waiting."""
    here = visitor.tries().sign_in
    for _ in range(5):
        with pytest.raises(PasswordWrong):
            service.change_password(visitor.desk, here, current=WRONG, new=NEW, at=NOON)

    with pytest.raises(TooManyAttempts):
        service.change_password(visitor.desk, here, current=PASSWORD, new=NEW, at=NOON)
    assert visitor.tries().token


@pytest.mark.usefixtures("anna")
def test_a_weak_password_changes_nothing(visitor: Visitor) -> None:
    """The old one goes on."""
    here = visitor.tries().sign_in

    with pytest.raises(PasswordRefused):
        service.change_password(visitor.desk, here, current=PASSWORD, new="annatrelawney", at=NOON)

    assert visitor.tries().token


def test_a_link_sets_a_password_once(visitor: Visitor, session: Session, anna: Account) -> None:
    """Whatever else was sent ends with it, and so does every sign-in."""
    before = visitor.tries()
    links = [
        make_link(session, anna.person.id, kind, settings=SETTINGS, at=NOON)[0]
        for kind in (LinkKind.RESET, LinkKind.RESET, LinkKind.INVITATION)
    ]
    session.commit()
    tokens = [link.partition("#")[2] for link in links]
    with pytest.raises(PasswordRefused):
        service.set_password(visitor.desk, tokens[0], "password1234", at=NOON)

    username, _ = service.set_password(visitor.desk, tokens[0], NEW, at=later(3599))

    assert username == "anna"
    for token in [*tokens, "gsl_made-up", ""]:
        with pytest.raises(LinkRefused):
            service.set_password(visitor.desk, token, "another fine harbour seal", at=later(1))
    assert accounts.authenticate_member(session, before.token, at=NOON) is None
    assert visitor.tries(password=NEW).token


@pytest.mark.parametrize(("kind", "hours"), [(LinkKind.RESET, 1), (LinkKind.INVITATION, 72)])
def test_a_link_runs_out(
    visitor: Visitor, session: Session, anna: Account, kind: LinkKind, hours: int
) -> None:
    """To the second."""
    link, until = make_link(session, anna.person.id, kind, settings=SETTINGS, at=NOON)
    session.commit()

    assert until == NOON + timedelta(hours=hours)
    with pytest.raises(LinkRefused):
        service.set_password(visitor.desk, link.partition("#")[2], NEW, at=until)


def test_one_link_used_by_many_sets_one_password(committed: SessionFactory) -> None:
    """The one who was first signs in; the others' passwords are nobody's."""
    with committed() as session:
        anna = make_account(session, make_organisation(session))
        link, _ = make_link(session, anna.person.id, LinkKind.RESET, settings=SETTINGS, at=NOON)
        session.commit()
    desk = make_desk(committed)
    passwords = [f"harbour seal number {number} sings" for number in range(6)]

    def is_set(password: str) -> bool:
        try:
            service.set_password(desk, link.partition("#")[2], password, at=NOON)
        except LinkRefused:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        done = list(threads.map(is_set, passwords))

    [first] = [password for password, is_ in zip(passwords, done, strict=True) if is_]
    assert Visitor(desk).tries(password=first).token


def test_a_new_password_lets_its_browser_in_at_once(
    visitor: Visitor, session: Session, anna: Account
) -> None:
    """Whatever strangers did before; who lets them in is the letter."""
    fails(visitor, 12)
    link, _ = make_link(session, anna.person.id, LinkKind.RESET, settings=SETTINGS, at=NOON)
    session.commit()

    _, shown = service.set_password(visitor.desk, link.partition("#")[2], NEW, at=later(200))

    assert visitor.tries(at=later(200), password=NEW, shown=shown).token


@pytest.mark.parametrize(
    ("role", "demanded"), [(Role.ADMIN, True), (Role.MANAGER, True), (Role.STAFF, False)]
)
def test_a_second_factor_may_be_demanded(
    sessions: SessionFactory,
    session: Session,
    organisation: Organisation,
    role: Role,
    demanded: bool,  # noqa: FBT001
) -> None:
    """Of those who run things, until they have one."""
    strict = CHEAP.model_copy(update={"demand_second_factor": True})
    visitor = Visitor(make_desk(sessions, SETTINGS.model_copy(update={"sign_in": strict})))
    make_account(session, organisation, role=role)
    bert = make_account(session, organisation, role=role, username="bert", second_factor=True)

    without = visitor.tries()
    with_it = visitor.tries(username="bert", code=bert.code(NOON))

    assert (without.sign_in.enrolling, with_it.sign_in.enrolling) == (demanded, False)


@pytest.mark.usefixtures("anna")
def test_a_sign_in_ends_when_nobody_uses_it(visitor: Visitor, session: Session) -> None:
    """After two hours; use is written down every five minutes at most."""
    made = visitor.tries()

    def is_good(minutes: float) -> bool:
        found = accounts.authenticate_member(
            session, made.token, at=NOON + timedelta(minutes=minutes)
        )
        session.commit()
        session.expire_all()
        return found is not None

    def last_used() -> float:
        used = session.scalars(select(SignIn.last_used_at)).one()
        return (used - NOON) / timedelta(minutes=1)

    assert (is_good(4), last_used()) == (True, 0)
    assert (is_good(5), last_used()) == (True, 5)
    assert (is_good(124.9), last_used()) == (True, 124.9)
    assert (is_good(245), last_used()) == (False, 124.9)


@pytest.mark.usefixtures("anna")
def test_a_sign_in_in_use_ends_all_the_same(visitor: Visitor, session: Session) -> None:
    """After twelve hours."""
    made = visitor.tries()
    for hour in range(12):
        assert accounts.authenticate_member(session, made.token, at=NOON + timedelta(hours=hour))

    end = NOON + timedelta(hours=12)
    assert accounts.authenticate_member(session, made.token, at=end) is None


def test_what_is_over_is_forgotten(visitor: Visitor, session: Session, anna: Account) -> None:
    """Links and wrong attempts; sign-ins are kept as long as the settings say."""
    visitor.tries()
    fails(visitor, 1)
    make_link(session, anna.person.id, LinkKind.INVITATION, settings=SETTINGS, at=NOON)
    session.commit()

    service.tidy(session, at=NOON + timedelta(hours=23))
    kept = [session.scalar(select(func.count()).select_from(t)) for t in (SignIn, FailedAttempts)]
    service.tidy(session, at=NOON + timedelta(days=31))
    left = [session.scalar(select(func.count()).select_from(t)) for t in (SignIn, FailedAttempts)]

    assert (kept, left) == ([1, 1], [1, 0])
    assert session.scalar(select(func.count()).select_from(LocalAccount)) == 1
    assert timedelta(days=1) > LONGEST_WAIT
