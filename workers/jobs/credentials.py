"""What is over of members' accounts is forgotten."""

from geoservices import clock
from geoservices.credentials import service
from geoservices.database import transaction
from workers import runtime
from workers.app import app


@app.task(name="credentials.tidy")
def tidy() -> None:
    """Forget links and wrong attempts that are over; twice does no more than once."""
    with transaction(runtime.sessions()) as session:
        service.tidy(session, at=clock.now())
