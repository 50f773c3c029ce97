"""Letters claimed by one worker at a time, and settled by what the server said."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoservices.database import SessionFactory, transaction
from geoservices.letters import addresses, queries, service
from geoservices.letters.models import Letter, LetterState
from geoservices.mail.sending import MailOutcome
from tests.writing import (
    A_DAY,
    FIVE,
    NOBODY,
    PUT_OFF,
    REFUSED,
    SETTINGS,
    SILENT,
    TAKEN,
    World,
    make_world,
    mentioned,
)

LEASE = SETTINGS.mail.lease


@pytest.fixture
def digest(world: World) -> Letter:
    """A digest that is due."""
    world.confirm()
    world.tell()
    [letter] = world.make(FIVE)
    return letter


def test_a_claim_takes_a_lease(world: World, digest: Letter) -> None:
    """Nobody else gets the letter meanwhile; it is due again when the lease ends."""
    [posting] = world.claim(digest, at=FIVE)
    again = world.claim(digest, at=FIVE + LEASE - timedelta(seconds=1))

    assert (digest.state, digest.attempt_count) == (LetterState.SENDING, 1)
    assert digest.due_at == digest.leased_until == FIVE + LEASE
    assert (posting.letter_id, posting.number) == (digest.id, 1)
    assert again == []


def test_a_worker_that_died_is_followed_by_another(world: World, digest: Letter) -> None:
    """The same letter goes out again, to be known by its id and date."""
    [lost] = world.claim(digest, at=FIVE)
    [second] = world.claim(digest, at=FIVE + LEASE)

    assert (lost.number, second.number) == (1, 2)
    assert lost.mail == second.mail


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        pytest.param(TAKEN, LetterState.SENT, id="taken"),
        pytest.param(PUT_OFF, LetterState.QUEUED, id="put off"),
        pytest.param(REFUSED, LetterState.FAILED, id="refused"),
        pytest.param(NOBODY, LetterState.FAILED, id="nobody"),
    ],
)
def test_every_outcome_settles(
    world: World, digest: Letter, outcome: MailOutcome, state: LetterState
) -> None:
    """With the server's reason."""
    [posting] = world.claim(digest, at=FIVE)

    world.settle(posting, outcome, at=FIVE + timedelta(seconds=3))

    assert (digest.state, digest.reason, digest.leased_until) == (state, outcome.reason, None)
    assert (digest.sent_at is not None) is (state == LetterState.SENT)
    assert world.claim(digest, at=FIVE + timedelta(seconds=3)) == [] or state == LetterState.QUEUED


def test_what_was_put_off_is_tried_until_its_time_has_passed(world: World, digest: Letter) -> None:
    """With growing pauses, and then not again; the next day's digest does not repeat it."""
    at, pauses = FIVE, []
    while digest.state == LetterState.QUEUED:
        [posting] = world.claim(digest, at=at)
        world.settle(posting, PUT_OFF, at=at)
        if digest.state == LetterState.QUEUED:
            pauses.append(digest.due_at - at)
        at = digest.due_at

    assert digest.state == LetterState.FAILED
    assert digest.reason == f"no time left to try again: {PUT_OFF.reason}"
    assert timedelta(seconds=30) <= pauses[0] <= timedelta(minutes=1)
    assert all(timedelta(hours=1) <= pause <= timedelta(hours=2) for pause in pauses[8:])
    assert len(pauses) > 10
    assert world.make(FIVE + A_DAY) == []


@given(st.integers(1, 10_000))
def test_pauses_have_bounds(attempt_count: int) -> None:
    """From half a minute to two hours."""
    wait = service.wait_before(attempt_count)

    assert timedelta(seconds=30) <= wait <= timedelta(hours=2)


def test_an_attempt_that_was_overtaken_counts_if_it_succeeded(world: World, digest: Letter) -> None:
    """The server has the letter; a failure says nothing of the attempt under way."""
    [lost] = world.claim(digest, at=FIVE)
    [second] = world.claim(digest, at=FIVE + LEASE)

    world.settle(lost, REFUSED, at=FIVE + LEASE)
    under_way = digest.state
    world.settle(lost, TAKEN, at=FIVE + LEASE)
    world.settle(second, NOBODY, at=FIVE + LEASE)

    assert under_way == LetterState.SENDING
    assert digest.state == LetterState.SENT


def test_a_letter_to_an_address_taken_away_is_dropped(world: World, digest: Letter) -> None:
    """Before it leaves, or while it is on its way."""
    addresses.remove_address(world.session, world.person.id)

    assert world.claim(digest, at=FIVE) == []
    assert digest.state == LetterState.DROPPED


def test_settling_survives_an_address_taken_away(world: World, digest: Letter) -> None:
    """While the server was spoken to."""
    [posting] = world.claim(digest, at=FIVE)
    addresses.remove_address(world.session, world.person.id)

    world.settle(posting, NOBODY, at=FIVE)

    assert digest.state == LetterState.FAILED


def test_a_confirmation_is_not_sent_once_it_is_not_needed(world: World) -> None:
    """Another letter for the same address was opened first."""
    world.set_address()
    world.set_address(minute=2)
    world.confirm(minute=4)
    waiting = [one for one in world.letters() if one.state == LetterState.QUEUED]

    assert len(waiting) == 2
    assert world.claim(*waiting, at=FIVE) == []
    assert {one.reason for one in waiting} == {"confirmed already"}


def test_without_a_server_letters_are_dropped(world: World, digest: Letter) -> None:
    """E-mail was switched off after they were made."""
    assert world.claim(digest, at=FIVE, settings=SILENT) == []
    assert digest.state == LetterState.DROPPED


def test_a_letter_s_time_passes(world: World, digest: Letter) -> None:
    """Where no worker ran."""
    assert world.claim(digest, at=digest.expires_at) == []
    assert digest.state == LetterState.FAILED


def test_letters_are_handed_out_once_and_put_back_at_once(world: World) -> None:
    """As deliveries are; what is done is not handed out."""
    for number in range(3):
        world.set_address(f"p{number}@example.org", person=world.citizen())

    first = queries.DUE.hand_out(world.session, at=FIVE, lease=LEASE, limit=2)
    second = queries.DUE.hand_out(world.session, at=FIVE, lease=LEASE, limit=2)
    queries.DUE.put_back(world.session, first, at=FIVE)
    again = queries.DUE.hand_out(world.session, at=FIVE, lease=LEASE, limit=5)

    assert (len(first), len(second)) == (2, 1)
    assert set(again) == set(first)


def test_a_claim_passes_over_what_another_is_claiming(committed: SessionFactory) -> None:
    """Neither waits for the other; each letter is sent by one of them."""
    with transaction(committed) as session:
        world = make_world(session)
        people = [world.citizen() for _ in range(2)]
        for number, person in enumerate(people):
            world.set_address(f"p{number}@example.org", person=person)
        one, other = (letter.id for letter in world.letters())
    with committed() as first, committed() as second:
        held = service.claim(first, [one], settings=SETTINGS, at=FIVE)
        rest = service.claim(second, [one, other], settings=SETTINGS, at=FIVE)
        first.commit()
        second.commit()

    assert [posting.letter_id for posting in held] == [one]
    assert [posting.letter_id for posting in rest] == [other]


def test_a_digest_leads_to_the_notifications(world: World) -> None:
    """And to the page that ends it, whose address programs of mail post to."""
    world.confirm()
    one = world.tell()
    [posting] = world.claim(*world.make(FIVE), at=FIVE)

    assert mentioned(posting, one)
    assert posting.mail.unsubscribe is not None
    assert posting.mail.unsubscribe.startswith(
        "https://council.example/v1/email/unsubscribe?token="
    )
    assert posting.mail.unsubscribe in posting.mail.text
    assert posting.mail.written_at == FIVE
