"""Mails over real sockets: to servers that oblige, refuse, dawdle and hang up."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from geoservices.mail.sending import Sent, SmtpMailer
from local.configuration import free_port
from tests.mailing import (
    DROP,
    OK,
    Certificate,
    Postbox,
    leading_to,
    logging_in,
    mail,
    make_certificate,
    serving,
)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """A certificate for localhost, whose authority is trusted."""
    made = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
    return made


def test_mails_go_out_over_one_connection() -> None:
    """Each to its own address, in their order."""
    postbox = Postbox()
    mails = [mail(f"anna{number}@example.org") for number in range(3)]

    with serving(postbox) as settings:
        outcomes = SmtpMailer(settings).send(mails)

    assert [outcome.kind for outcome in outcomes] == [Sent.TAKEN] * 3
    assert [one["To"] for one in postbox.taken] == [one.to for one in mails]
    assert postbox.connections == 1


def test_starttls_verifies_the_certificate_and_logs_in(certificate: Certificate) -> None:
    """The password is sent only once the connection is safe."""
    postbox = Postbox()

    with serving(
        postbox,
        tls_context=certificate.context,
        require_starttls=True,
        authenticator=postbox.authenticate,
        auth_required=True,
    ) as settings:
        [outcome] = SmtpMailer(logging_in(settings)).send([mail()])

    assert outcome.kind is Sent.TAKEN
    assert postbox.over_tls == [True]
    assert [(one.login, one.password) for one in postbox.logins] == [
        (b"geoservices", b"open sesame")
    ]


def test_tls_from_the_first_byte(certificate: Certificate) -> None:
    """As on port 465 (RFC 8314)."""
    postbox = Postbox()

    with serving(postbox, ssl_context=certificate.context) as settings:
        safe = settings.model_copy(update={"host": "localhost", "security": "tls"})
        [outcome] = SmtpMailer(safe).send([mail()])

    assert outcome.kind is Sent.TAKEN
    assert postbox.over_tls == [True]


@pytest.mark.parametrize("how", ["unknown authority", "another name", "no STARTTLS"])
def test_nothing_is_sent_where_it_is_not_safe(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Nor is the password."""
    postbox = Postbox()
    options = {} if how == "no STARTTLS" else {"tls_context": certificate.context}
    if how == "unknown authority":
        monkeypatch.delenv("SSL_CERT_FILE")

    with serving(
        postbox, authenticator=postbox.authenticate, auth_require_tls=False, **options
    ) as settings:
        safe = logging_in(settings)
        if how == "another name":
            safe = safe.model_copy(update={"host": "127.0.0.1"})
        [outcome] = SmtpMailer(safe).send([mail()])

    assert outcome.kind is Sent.PUT_OFF
    assert (postbox.taken, postbox.logins) == ([], [])


def test_a_wrong_password_puts_off(certificate: Certificate) -> None:
    """It is the operator's to mend, and no letter's fault; the log says so."""
    postbox = Postbox()

    with (
        capture_logs() as logged,
        serving(
            postbox, tls_context=certificate.context, authenticator=postbox.authenticate
        ) as settings,
    ):
        outcomes = SmtpMailer(logging_in(settings, "wrong")).send([mail(), mail()])

    assert [outcome.kind for outcome in outcomes] == [Sent.PUT_OFF] * 2
    assert [(line["event"], line["error"]) for line in logged] == [
        ("mail_server_away", "SMTPAuthenticationError 535")
    ]


def only(address: str, answer: str) -> Callable[[str], str]:
    """Answer so for one address, and yes for all others."""
    return lambda asked: answer if asked == address else OK


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param("550 5.1.1 No such user", Sent.NOBODY, id="nobody"),
        pytest.param("552 5.2.2 Mailbox full", Sent.NOBODY, id="full for good"),
        pytest.param("450 4.2.0 Greylisted", Sent.PUT_OFF, id="later"),
        pytest.param("421 4.3.0 Going down", Sent.PUT_OFF, id="closing"),
        pytest.param(DROP, Sent.PUT_OFF, id="hung up"),
    ],
)
def test_a_refused_recipient_harms_no_other(answer: str, kind: Sent) -> None:
    """The reason is the server's; the mails after it go out."""
    postbox = Postbox(on_rcpt=only("bob@example.org", answer))

    with serving(postbox) as settings:
        outcomes = SmtpMailer(settings).send(
            [mail(), mail("bob@example.org"), mail("cora@example.org")]
        )

    assert [outcome.kind for outcome in outcomes] == [Sent.TAKEN, kind, Sent.TAKEN]
    assert answer == DROP or outcomes[1].reason.startswith(answer[:3])
    assert [one["To"] for one in postbox.taken] == ["anna@example.org", "cora@example.org"]


@pytest.mark.parametrize(
    ("postbox", "kind"),
    [
        pytest.param(Postbox(on_mail=lambda _: "550 Not you"), Sent.REFUSED, id="sender"),
        pytest.param(Postbox(on_mail=lambda _: "451 Busy"), Sent.PUT_OFF, id="sender, later"),
        pytest.param(Postbox(on_data=lambda _: "554 Spam"), Sent.REFUSED, id="content"),
        pytest.param(Postbox(on_data=lambda _: "452 Disk full"), Sent.PUT_OFF, id="no room"),
    ],
)
def test_a_refused_mail_says_nothing_of_its_address(postbox: Postbox, kind: Sent) -> None:
    """What is wrong is ours or the server's."""
    with serving(postbox) as settings:
        [outcome] = SmtpMailer(settings).send([mail()])

    assert outcome.kind is kind


def test_a_server_that_hangs_up_after_the_data_is_asked_again() -> None:
    """It may have the mail; the second copy has the same Message-ID."""

    def once(_message: EmailMessage) -> str:
        return DROP if not postbox.taken else OK

    postbox = Postbox(on_data=once)
    told = mail()

    with serving(postbox) as settings:
        mailer = SmtpMailer(settings)
        first, second = mailer.send([told]), mailer.send([told])

    assert [first[0].kind, second[0].kind] == [Sent.PUT_OFF, Sent.TAKEN]
    assert len({one["Message-ID"] for one in postbox.taken}) == 1
    assert len(postbox.taken) == 2


def test_a_server_that_is_away_is_asked_once() -> None:
    """The rest of the mails wait, instead of knocking one by one."""
    with capture_logs() as logged:
        outcomes = SmtpMailer(leading_to(free_port())).send([mail() for _ in range(5)])

    assert {outcome.kind for outcome in outcomes} == {Sent.PUT_OFF}
    assert len(outcomes) == 5
    assert [line["event"] for line in logged] == ["mail_server_away"]


def test_a_server_that_dawdles_holds_up_a_mail_for_its_time_alone() -> None:
    """Its answer to MAIL takes longer than a mail may."""
    postbox = Postbox(wait_s=3)

    with serving(postbox) as settings:
        hasty = settings.model_copy(update={"timeout": timedelta(seconds=0.5)})
        started = time.monotonic()
        outcomes = SmtpMailer(hasty).send([mail(), mail()])
        took_s = time.monotonic() - started

    assert [outcome.kind for outcome in outcomes] == [Sent.PUT_OFF] * 2
    assert took_s < 2.5


@contextmanager
def dripping(text: bytes, every_s: float) -> Iterator[int]:
    """Listen, and say a text to each caller one byte at a time; the port."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)

        def serve() -> None:
            while not stop.is_set():
                try:
                    caller, _ = listening.accept()
                except TimeoutError:
                    continue
                with caller:
                    for byte in text:
                        if stop.wait(every_s):
                            return
                        try:
                            caller.sendall(bytes([byte]))
                        except OSError:
                            break

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            stop.set()
            thread.join()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"220 " + b"x" * 10_000, id="a greeting without end"),
        pytest.param(b"\x00" * 1000, id="no SMTP at all"),
    ],
)
def test_a_server_that_drips_is_left(text: bytes) -> None:
    """Each byte would put off a time limit that is counted from the last one."""
    with dripping(text, every_s=0.05) as port:
        hasty = leading_to(port, timeout=timedelta(seconds=1))
        started = time.monotonic()
        [outcome] = SmtpMailer(hasty).send([mail()])

    assert outcome.kind is Sent.PUT_OFF
    assert time.monotonic() - started < 30


def test_what_a_server_says_becomes_a_short_reason() -> None:
    """On one line, without what is not to be seen."""
    postbox = Postbox(on_rcpt=lambda _: "550-" + "long\r\n550 " + "x" * 400)

    with serving(postbox) as settings:
        [outcome] = SmtpMailer(settings).send([mail()])

    assert outcome.kind is Sent.NOBODY
    assert outcome.reason.isprintable()
    assert len(outcome.reason) <= 200
