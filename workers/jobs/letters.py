"""Letters are made and go out."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import structlog

from geoservices import clock
from geoservices.database import transaction
from geoservices.letters import digests
from geoservices.letters import service as letters
from geoservices.letters.service import Posting
from geoservices.mail.sending import MailOutcome
from workers import runtime
from workers.app import app
from workers.patience import write_down

log = structlog.get_logger()

AT_ONCE = 500
"""Addresses looked at in one transaction."""


@app.task(name="letters.make_digests")
def make_digests() -> None:
    """Make the digests that are due; running it twice makes none twice."""
    if runtime.settings().mail.host is None:
        return
    looked_at = AT_ONCE
    while looked_at == AT_ONCE:
        with transaction(runtime.sessions()) as session:
            looked_at, made = digests.make_due(session, at=clock.now(), limit=AT_ONCE)
        if made:
            log.info("digests_made", addresses=looked_at, digests=made)
    with transaction(runtime.sessions()) as session:
        digests.tidy(session, at=clock.now())


@app.task(name="letters.send")
def send(letter_ids: Sequence[str]) -> None:
    """Make one attempt at each letter: claim them, send them, settle them.

    No transaction is open while the server is spoken to. Running the job twice is harmless: the
    second finds nothing to claim.
    """
    settings, at = runtime.settings(), clock.now()
    with transaction(runtime.sessions()) as session:
        postings = letters.claim(
            session, [UUID(letter_id) for letter_id in letter_ids], settings=settings, at=at
        )
    if not postings:
        return
    outcomes = runtime.mailer().send([posting.mail for posting in postings])
    results = list(zip(postings, outcomes, strict=True))
    write_down(lambda: _settle(results), before=at + settings.mail.lease)
    log.info("letters_sent", **Counter(outcome.kind.value for outcome in outcomes))


def _settle(results: Sequence[tuple[Posting, MailOutcome]]) -> None:
    with transaction(runtime.sessions()) as session:
        letters.settle(session, results, at=clock.now())
