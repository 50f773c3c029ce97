"""Addresses given, confirmed by whoever reads there, and taken away."""

from datetime import time, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select

from geoservices.accounts.models import Person
from geoservices.channels import service as channels
from geoservices.database import SessionFactory, transaction
from geoservices.errors import NotFound
from geoservices.letters import addresses, digests, queries
from geoservices.letters.addresses import (
    EmailNotConfirmed,
    EmailTokenRefused,
    EmailUnavailable,
    TooManyConfirmations,
)
from geoservices.letters.models import Confirmation, EmailAddress, Letter, LetterKind, LetterState
from geoservices.mail.addresses import AddressRefused
from tests.writing import (
    A_DAY,
    FIVE,
    NOBODY,
    SETTINGS,
    SILENT,
    TAKEN,
    World,
    make_world,
    moment,
    token_in,
    unsubscribe_token_in,
)


def wants_mail(world: World, person: Person | None = None) -> bool:
    """Whether e-mail is on for anything."""
    world.session.expire_all()
    return any(one.email for one in channels.choices(world.session, person or world.person))


def test_an_address_is_confirmed_by_the_link_in_a_letter(world: World) -> None:
    """Until then nothing is sent there but that letter; the secret is kept as a hash."""
    given = world.set_address()
    [letter] = world.letters()
    [posting] = world.claim(letter, at=moment(0))
    before = (given.confirmed_at, given.digest_due_at)
    token = token_in(posting)
    stored = world.session.scalars(select(Confirmation.token_hash)).one()

    addresses.confirm(world.session, token, at=moment(1))

    assert before == (None, None)
    assert (letter.kind, posting.mail.to) == (LetterKind.CONFIRMATION, "anna@example.org")
    assert posting.mail.unsubscribe is None
    assert token.encode() not in stored
    assert (given.confirmed_at, given.digest_due_at) == (moment(1), FIVE)


def test_a_link_is_good_once_and_for_two_days(world: World) -> None:
    """Used, too old and made up are the same."""
    world.set_address()
    [posting] = world.claim(*world.letters(), at=moment(0))
    token = token_in(posting)
    two_days = moment(0) + 2 * A_DAY

    for bad, at in ((token, two_days), ("made up", moment(1)), ("", moment(1))):
        with pytest.raises(EmailTokenRefused):
            addresses.confirm(world.session, bad, at=at)
    addresses.confirm(world.session, token, at=two_days - timedelta(seconds=1))

    with pytest.raises(EmailTokenRefused):
        addresses.confirm(world.session, token, at=moment(2))


def test_every_letter_sent_for_an_address_confirms_it(world: World) -> None:
    """Also the first of two, where the second was sent since nobody knew what became of it."""
    given = world.set_address()
    [letter] = world.letters()
    [lost] = world.claim(letter, at=moment(0))
    [again] = world.claim(letter, at=moment(6))

    addresses.confirm(world.session, token_in(lost), at=moment(7))

    assert token_in(lost) != token_in(again)
    assert lost.mail.id == again.mail.id
    assert given.confirmed_at == moment(7)
    assert world.session.scalar(select(func.count()).select_from(Confirmation)) == 0


def test_a_link_to_an_address_of_before_is_worth_nothing(world: World) -> None:
    """Whoever reads there no longer speaks for the person."""
    world.set_address("old@example.org")
    [posting] = world.claim(*world.letters(), at=moment(0))
    given = world.set_address("new@example.org", minute=2)

    with pytest.raises(EmailTokenRefused):
        addresses.confirm(world.session, token_in(posting), at=moment(3))

    assert given.confirmed_at is None


def test_the_same_address_again_sets_the_hour(world: World) -> None:
    """Confirmed it stays, and no letter goes out."""
    given = world.confirm()

    again = world.set_address(digest_at=time(8, 30), minute=30)

    assert again is given
    assert again.confirmed_at == moment(0)
    assert again.digest_due_at == moment(-210) + A_DAY
    assert len(world.letters()) == 1


def test_asking_again_within_a_minute_sends_nothing_more(world: World) -> None:
    """A phone that lost the answer sends the same again."""
    given = world.set_address()

    again = world.set_address(digest_at=time(9), minute=0.9)

    assert again is given
    assert again.digest_at == time(9)
    assert len(world.letters()) == 1


def test_after_a_minute_another_letter_goes_out_five_a_day(world: World) -> None:
    """The sixth is refused until the first is a day old."""
    for number in range(5):
        world.set_address(minute=number)
    with pytest.raises(TooManyConfirmations) as refused:
        world.set_address(minute=5)
    world.session.expire_all()
    kept = len(world.letters())

    world.set_address(minute=24 * 60)

    assert kept == 5
    assert refused.value.retry_after_s == (24 * 60 - 5) * 60
    assert len(world.letters()) == 6


def test_another_address_within_a_minute_is_refused(world: World) -> None:
    """Else one person could have letters sent to everyone."""
    world.set_address()

    with pytest.raises(TooManyConfirmations) as refused:
        world.set_address("bob@example.org", minute=0.5)

    assert refused.value.retry_after_s == 30


def test_taking_an_address_away_does_not_start_the_count_anew(world: World) -> None:
    """The letters are remembered without the address."""
    world.set_address()
    addresses.remove_address(world.session, world.person.id)

    with pytest.raises(TooManyConfirmations):
        world.set_address(minute=0.5)


def test_an_address_gets_five_letters_a_day_whoever_asks(world: World) -> None:
    """And who asks for the sixth is told the same as everyone."""
    people = [world.citizen() for _ in range(8)]

    answers = [
        world.set_address(
            f"{'Anna' if number % 2 else 'anna'}@example.org", person=person, minute=2 * number
        )
        for number, person in enumerate(people)
    ]

    letters = world.letters()
    assert [letter.state for letter in letters] == [LetterState.QUEUED] * 5 + [
        LetterState.DROPPED
    ] * 3
    assert {(one.confirmed_at, one.digest_due_at) for one in answers} == {(None, None)}


def test_two_who_use_one_address_are_told_nothing_of_each_other(world: World) -> None:
    """Each confirms for themselves."""
    other = world.citizen()
    mine = world.confirm()

    theirs = world.set_address(person=other, minute=5)

    assert mine.confirmed_at is not None
    assert theirs.confirmed_at is None


def test_people_who_ask_at_once_for_one_address_are_counted(committed: SessionFactory) -> None:
    """Real connections: one letter goes out in that minute."""
    with transaction(committed) as session:
        world = make_world(session)
        ids = [world.citizen().id for _ in range(4)]
    start = Barrier(len(ids))

    def ask(person_id: object) -> None:
        start.wait()
        with transaction(committed) as session:
            addresses.set_address(
                session,
                session.get_one(Person, person_id),
                "anna@example.org",
                digest_at=time(17),
                settings=SETTINGS,
                at=moment(0),
            )

    threads = [Thread(target=ask, args=[id_]) for id_ in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with transaction(committed) as session:
        states = session.scalars(select(Letter.state)).all()
    assert sorted(states) == ["dropped"] * 3 + ["queued"]


def test_what_is_no_address_changes_nothing(world: World) -> None:
    """The address of before stays."""
    given = world.confirm()

    with pytest.raises(AddressRefused):
        world.set_address("anna@example.org\r\nBcc: bob@example.org", minute=5)

    assert addresses.get_address(world.session, world.person.id) is given


def test_without_a_server_there_is_no_mail(world: World) -> None:
    """Nothing is stored, and nothing can be chosen."""
    with pytest.raises(EmailUnavailable):
        world.set_address(settings=SILENT)
    with pytest.raises(EmailUnavailable):
        addresses.require_confirmed(world.session, world.person.id, SILENT)

    assert world.session.scalar(select(func.count()).select_from(EmailAddress)) == 0


def test_mail_can_be_chosen_once_an_address_is_confirmed(world: World) -> None:
    """Not before."""
    world.set_address()
    with pytest.raises(EmailNotConfirmed):
        addresses.require_confirmed(world.session, world.person.id, SETTINGS)
    world.confirm(minute=2)

    addresses.require_confirmed(world.session, world.person.id, SETTINGS)


def test_taken_away_nothing_of_it_is_left(world: World) -> None:
    """Neither the address, nor a good link, nor the wish; doing it again changes nothing."""
    world.confirm()
    world.set_address("new@example.org", minute=5)
    [posting] = world.claim(world.letters()[-1], at=moment(5))

    for _ in range(2):
        addresses.remove_address(world.session, world.person.id)

    assert world.session.scalar(select(func.count()).select_from(EmailAddress)) == 0
    assert not wants_mail(world)
    with pytest.raises(EmailTokenRefused):
        addresses.confirm(world.session, token_in(posting), at=moment(6))
    with pytest.raises(NotFound):
        addresses.get_address(world.session, world.person.id)


def test_a_digest_s_link_ends_them_without_signing_in(world: World) -> None:
    """For every purpose; the address stays, and again changes nothing."""
    given = world.confirm()
    world.tell()
    [posting] = world.claim(*world.make(FIVE), at=FIVE)
    token = unsubscribe_token_in(posting)

    for _ in range(2):
        addresses.unsubscribe(world.session, token, settings=SETTINGS)

    assert not wants_mail(world)
    assert addresses.get_address(world.session, world.person.id) is given


@pytest.mark.parametrize("token", ["", "made-up", "A" * 43])
def test_only_our_links_end_digests(world: World, token: str) -> None:
    """Anyone may try."""
    world.confirm()

    with pytest.raises(EmailTokenRefused):
        addresses.unsubscribe(world.session, token, settings=SETTINGS)

    assert wants_mail(world)


def test_a_link_to_an_address_of_before_ends_nothing(world: World) -> None:
    """Whoever reads the old letters has no say any more; they are told the same."""
    world.confirm("old@example.org")
    world.tell()
    [posting] = world.claim(*world.make(FIVE), at=FIVE)
    world.confirm("new@example.org", minute=600)

    addresses.unsubscribe(world.session, unsubscribe_token_in(posting), settings=SETTINGS)

    assert wants_mail(world)


def test_an_address_that_refuses_three_letters_is_bouncing(world: World) -> None:
    """Its owner finds out, nothing more is sent there, and giving it again starts anew."""
    given = world.confirm()
    for day in range(3):
        assert given.bouncing_at is None
        at = FIVE + day * A_DAY
        world.tell(minute=10 + 1440 * day)
        [posting] = world.claim(*world.make(at), at=at)
        world.settle(posting, NOBODY, at=at)
    bounced = (given.bouncing_at, given.digest_due_at)

    again = world.set_address(minute=1440 * 3)
    asked = (again.confirmed_at, again.bouncing_at)
    [posting] = world.claim(world.letters()[-1], at=moment(1440 * 3))
    addresses.confirm(world.session, token_in(posting), at=moment(1440 * 3))

    assert bounced == (FIVE + 2 * A_DAY, None)
    assert asked == (None, None)
    assert (again.confirmed_at, again.refused_count) == (moment(1440 * 3), 0)


def test_a_letter_that_is_taken_forgives_those_refused_before(world: World) -> None:
    """A full mailbox that was emptied is none that bounces."""
    given = world.confirm()
    for day, outcome in enumerate([NOBODY, NOBODY, TAKEN, NOBODY]):
        at = FIVE + day * A_DAY
        world.tell(minute=10 + 1440 * day)
        [posting] = world.claim(*world.make(at), at=at)
        world.settle(posting, outcome, at=at)

    assert given.bouncing_at is None
    assert given.refused_count == 1


def test_another_time_zone_moves_the_next_digest(world: World) -> None:
    """To the same hour there."""
    given = world.confirm()
    world.person.time_zone = "America/New_York"

    addresses.follow_clock(world.session, world.person, at=moment(1))

    assert given.digest_due_at == FIVE + timedelta(hours=5)


def test_what_is_kept_for_the_limits_goes(world: World) -> None:
    """After two days, with secrets that are too old; digests stay."""
    world.confirm()
    world.tell()
    world.make(FIVE)
    world.set_address("new@example.org", minute=400)
    [posting] = world.claim(world.letters()[-1], at=moment(400))
    world.settle(posting, TAKEN, at=moment(400))

    digests.tidy(world.session, at=moment(400) + 2 * A_DAY)
    kept = [letter.kind for letter in world.letters()]
    digests.tidy(world.session, at=moment(401) + 2 * A_DAY)

    assert kept == [LetterKind.DIGEST, LetterKind.CONFIRMATION]
    assert [letter.kind for letter in world.letters()] == [LetterKind.DIGEST]
    assert world.session.scalar(select(func.count()).select_from(Confirmation)) == 0
    assert queries.address_of(world.session, world.person.id) is not None
