"""Jobs that end while the database is away, and say so in a line."""

from typing import Any

import structlog
from celery import Task

from geoservices.database import is_away

log = structlog.get_logger()


class Job(Task[Any, Any]):
    """A job of ours. Whatever it had to do stands in the database and comes due again by itself."""

    abstract = True

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Do the job, as far as there is a database.

        Celery would print the whole way to the connection's end, for each job of an outage.
        """
        try:
            return super().__call__(*args, **kwargs)
        except Exception as error:
            if not is_away(error):
                raise
            log.warning("database_unavailable", job=self.name, error=type(error).__name__)
            return None
