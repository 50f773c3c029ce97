"""People are reminded of the events that they signed up for."""

import structlog

from geoservices import attending, clock
from geoservices.database import transaction
from workers import runtime
from workers.app import app

log = structlog.get_logger()

AT_ONCE = 500
"""People reminded in one transaction."""


@app.task(name="events.remind")
def remind() -> None:
    """Remind those whose events begin soon; running it twice reminds nobody twice.

    Whoever could not be reminded while no worker ran is reminded later, unless that is too late.
    """
    reminded = AT_ONCE
    while reminded == AT_ONCE:
        with transaction(runtime.sessions()) as session:
            reminded = attending.remind(session, at=clock.now(), limit=AT_ONCE)
        if reminded:
            log.info("reminders_told", people=reminded)
