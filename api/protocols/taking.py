"""The one way in for what phones of other apps say."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from api.protocols.reading import Crossing, Said
from geoservices import receiving
from geoservices.accounts.service import ConsentMissing
from geoservices.geofences.live import LiveGeofences
from geoservices.phones.models import PhoneApp
from geoservices.phones.regions import REACH_RID, geofence_named
from geoservices.phones.service import Phone
from geoservices.pings.screening import REFUSALS, PingReport, Verdict
from geoservices.pings.service import VERDICTS
from geoservices.settings.service import Settings
from geoservices.visits.telling import Telling

log = structlog.get_logger()

KEPT = {Verdict.ACCEPTED, Verdict.LATE, Verdict.REPEATED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of what was said.

    `stored` counts positions that are kept, those sent before too. `again` says that the
    newest of them was one of those. `agreed` is False where nothing may be taken in at all.
    """

    stored: int
    dropped: int
    again: bool
    agreed: bool


def take_in(
    session: Session,
    phone: Phone,
    app: PhoneApp,
    said: Said,
    *,
    live: LiveGeofences,
    settings: Settings,
    at: datetime,
) -> Taken:
    """Take in what a phone said, in the request's transaction.

    Where its person has not agreed to be located, all of it is dropped and the phone is told that
    it arrived: kept on the phone, it would come in once they agree, though it was recorded when
    they had not.
    """
    dropped = Counter(said.dropped)
    verdicts: list[Verdict] = []
    agreed = True
    try:
        # The crossing comes first: a position told with it may be a little older.
        dropped += _hear(session, phone, said.crossings, live=live, settings=settings, at=at)
        for batch in _batches(said.reports, settings.intake.max_batch):
            intake = receiving.take_in_from(
                session, phone.device, batch, live=live, settings=settings, at=at
            )
            verdicts += [VERDICTS[number] for number in intake.verdicts]
            dropped += Counter(REFUSALS[number - 1].code for number in intake.refusals if number)
    except ConsentMissing as refusal:
        agreed = False
        dropped[refusal.code] += len(said.reports) + len(said.crossings)
    if dropped:
        log.info(
            "phone_items_dropped",
            app=app.value,
            device_id=str(phone.device.id),
            reasons=dict(dropped),
        )
    return Taken(
        stored=sum(verdict in KEPT for verdict in verdicts),
        dropped=dropped.total(),
        again=verdicts[-1:] == [Verdict.REPEATED],
        agreed=agreed,
    )


def _hear(
    session: Session,
    phone: Phone,
    crossings: Sequence[Crossing],
    *,
    live: LiveGeofences,
    settings: Settings,
    at: datetime,
) -> Counter[str]:
    """Take in crossings, and count those that were dropped.

    What is told of the reach is taken in as well, as nothing: it too needs the person's consent.
    """
    if not crossings:
        return Counter()
    ours = [one for one in crossings if one.rid != REACH_RID]
    index = live.current(session)
    tellings = [
        Telling(kind=one.kind, geofence_id=geofence_id, at=one.at)
        for one in ours
        if (geofence_id := geofence_named(index, one.rid, one.stamp))
    ]
    heard = receiving.hear(session, phone.device, tellings, live=live, settings=settings, at=at)
    dropped = Counter(refusal.code for refusal in heard.refusals)
    dropped["unknown-region"] += len(ours) - len(tellings)
    return +dropped


def _batches(reports: Sequence[PingReport], size: int) -> list[list[PingReport]]:
    """Cut reports into batches that follow one another in time."""
    in_order = sorted(reports, key=lambda report: report.recorded_at)
    return [in_order[begin : begin + size] for begin in range(0, len(in_order), size)]
