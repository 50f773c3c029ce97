"""The jobs of letters, with a real server for mail: made once, sent at least once, told apart."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from geoservices import clock
from geoservices.database import SessionFactory, transaction
from geoservices.letters import addresses, queries
from geoservices.letters import service as letters
from geoservices.letters.models import DigestItem, EmailAddress, Letter, LetterState
from geoservices.mail.sending import SmtpMailer
from geoservices.settings.sending import MailSettings
from tests.mailing import DROP, OK, Postbox, serving
from tests.writing import FIVE, SETTINGS, SILENT, make_world
from workers import patience, runtime
from workers.jobs import letters as jobs


@pytest.fixture
def told(committed: SessionFactory, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many people have a digest to come, at five in the afternoon."""
    monkeypatch.setattr(clock, "now", lambda: FIVE)
    monkeypatch.setattr(runtime, "settings", lambda: SETTINGS)
    with transaction(committed) as session:
        world = make_world(session)
        for number in range(3):
            person = world.citizen()
            world.confirm(f"p{number}@example.org", person=person)
            world.tell(person, minute=1)
            world.tell(person, minute=2)
    return 3


def due(sessions: SessionFactory) -> list[str]:
    """What the relay would hand out."""
    with transaction(sessions) as session:
        ids = queries.DUE.hand_out(session, at=clock.now(), lease=SETTINGS.mail.lease, limit=100)
    return [str(id_) for id_ in ids]


def deliver_to(monkeypatch: pytest.MonkeyPatch, mail: MailSettings) -> None:
    """Let the jobs send to this server."""
    monkeypatch.setattr(runtime, "mailer", lambda: SmtpMailer(mail))


def body(message: EmailMessage, kind: str) -> str:
    """The text of one of a mail's parts."""
    part = message.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text


def test_digests_are_made_and_sent(
    committed: SessionFactory, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each person gets theirs; its links lead to what it tells of, and end it."""
    postbox = Postbox()
    jobs.make_digests()
    with transaction(committed) as session:
        told_in = dict(
            session.execute(select(DigestItem.notification_id, DigestItem.letter_id)).all()
        )

    with capture_logs() as logged, serving(postbox) as mail:
        deliver_to(monkeypatch, mail)
        jobs.send(due(committed))

    assert sorted(one["To"] for one in postbox.taken) == [f"p{n}@example.org" for n in range(told)]
    for message in postbox.taken:
        letter_id = message["Message-ID"].partition("@")[0].removeprefix("<")
        links = [
            f"{SETTINGS.public_url}/notifications/{notification_id}"
            for notification_id, told_by in told_in.items()
            if told_by.hex == letter_id
        ]
        assert len(links) == 2
        for kind in ("plain", "html"):
            assert all(link in body(message, kind) for link in links)
        assert message["Date"].datetime == FIVE
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        token = message["List-Unsubscribe"].strip("<>").partition("?token=")[2]
        with transaction(committed) as session:
            addresses.unsubscribe(session, token, settings=SETTINGS)
    assert logged[-1]["event"] == "letters_sent"
    assert logged[-1]["taken"] == told


def test_running_everything_twice_sends_nothing_twice(
    committed: SessionFactory, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A beat too many, a job that the broker delivers twice."""
    postbox = Postbox()
    with serving(postbox) as mail:
        deliver_to(monkeypatch, mail)
        jobs.make_digests()
        jobs.make_digests()
        ids = due(committed)
        jobs.send(ids)
        jobs.send(ids)

    assert len(postbox.taken) == told
    assert due(committed) == []


def test_letters_that_were_sent_wait_to_be_written_down_while_the_database_is_away(
    committed: SessionFactory, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be sent a second time otherwise."""
    postbox, away = Postbox(), [psycopg.OperationalError(), psycopg.OperationalError()]
    settle = letters.settle

    def settle_if_there(*args: Any, **kwargs: Any) -> None:
        if away:
            raise away.pop()
        settle(*args, **kwargs)

    monkeypatch.setattr(patience, "PAUSE", timedelta(milliseconds=1))
    monkeypatch.setattr(letters, "settle", settle_if_there)
    jobs.make_digests()
    with serving(postbox) as mail:
        deliver_to(monkeypatch, mail)
        jobs.send(due(committed))

    with transaction(committed) as session:
        assert set(session.scalars(select(Letter.state))) == {LetterState.SENT}
    assert len(postbox.taken) == told


def test_nobody_waits_for_a_database_beyond_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else may be sending by then."""
    monkeypatch.setattr(clock, "now", lambda: FIVE)

    def write() -> None:
        raise psycopg.OperationalError

    with pytest.raises(psycopg.OperationalError):
        patience.write_down(write, before=FIVE)


def test_a_worker_killed_after_sending_sends_the_same_letters_again(
    committed: SessionFactory, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once its lease is over; whoever got both knows by the Message-ID that they are one."""
    postbox = Postbox()
    jobs.make_digests()
    ids = due(committed)

    def killed(*_: Any, **__: Any) -> None:
        raise SystemExit

    with serving(postbox) as mail:
        deliver_to(monkeypatch, mail)
        with monkeypatch.context() as patch:
            patch.setattr(letters, "settle", killed)
            with pytest.raises(SystemExit):
                jobs.send(ids)
        jobs.send(ids)
        within_the_lease = len(postbox.taken)
        monkeypatch.setattr(clock, "now", lambda: FIVE + SETTINGS.mail.lease)
        again = due(committed)
        jobs.send(again)

    first, second = postbox.taken[:told], postbox.taken[told:]
    assert within_the_lease == told
    assert sorted(again) == sorted(ids)
    assert {one["Message-ID"] for one in first} == {one["Message-ID"] for one in second}
    assert len({one["Message-ID"] for one in postbox.taken}) == told
    assert sorted(postbox.raw[:told]) == sorted(postbox.raw[told:])


@pytest.mark.parametrize("answer", [DROP, "451 later", "421 closing"])
def test_a_server_in_trouble_gets_them_later(
    committed: SessionFactory, told: int, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """Nothing is lost, and nobody's address is blamed."""
    postbox = Postbox(on_data=lambda _: answer)
    jobs.make_digests()
    with serving(postbox) as mail:
        deliver_to(monkeypatch, mail)
        jobs.send(due(committed))
        postbox.on_data = lambda _: OK
        postbox.taken.clear()
        monkeypatch.setattr(clock, "now", lambda: FIVE + 2 * SETTINGS.mail.lease)
        jobs.send(due(committed))

    assert len(postbox.taken) == told
    with transaction(committed) as session:
        assert set(session.scalars(select(EmailAddress.refused_count))) == {0}


def test_an_address_that_nobody_has_harms_no_other(
    committed: SessionFactory, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its letter has failed, and is counted."""
    postbox = Postbox(on_rcpt=lambda to: "550 no such user" if to.startswith("p1") else OK)
    jobs.make_digests()
    with serving(postbox) as mail:
        deliver_to(monkeypatch, mail)
        jobs.send(due(committed))

    assert len(postbox.taken) == told - 1
    with transaction(committed) as session:
        counted = session.scalars(select(EmailAddress).where(EmailAddress.refused_count == 1)).one()
        failed = session.scalars(select(Letter).where(Letter.state == LetterState.FAILED)).one()
    assert counted.address == "p1@example.org"
    assert (failed.address_id, failed.reason) == (counted.id, "550 no such user")


def test_no_transaction_is_open_while_the_server_is_spoken_to(
    committed: SessionFactory, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile the letters and addresses can be changed by anyone."""
    seen: list[int] = []

    def change_everything(_message: EmailMessage) -> str:
        with transaction(committed) as session:
            session.execute(update(EmailAddress).values(refused_count=0))
            changed = session.scalars(
                update(Letter).values(reason="looked at").returning(Letter.id)
            )
            seen.append(len(changed.all()))
        return OK

    jobs.make_digests()
    with serving(Postbox(on_data=change_everything)) as mail:
        deliver_to(monkeypatch, mail)
        jobs.send(due(committed))

    assert seen == [2 * told] * told


def test_without_a_server_for_mail_nothing_is_made(
    committed: SessionFactory, told: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is anyone's hour let pass."""
    monkeypatch.setattr(runtime, "settings", lambda: SILENT)

    jobs.make_digests()

    with transaction(committed) as session:
        assert session.scalars(select(DigestItem.letter_id)).all() == []
        assert session.scalars(select(EmailAddress.digest_due_at)).all() == [FIVE] * told
