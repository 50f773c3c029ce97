"""The private broker: on loopback, behind a password, and startable again."""

from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from local import broker
from local.configuration import free_port
from local.console import CannotGoOn
from local.ownership import strays
from local.processes import mark

pytestmark = pytest.mark.stack


def test_the_broker_answers_those_who_know_the_password(empty_dir: Path) -> None:
    """The password is in the URL; the server carries its stack's mark and ends with the block."""
    port, log = free_port(), empty_dir / "broker.log"

    with broker.serving(empty_dir / "broker", port=port, log=log, mark=mark(empty_dir)) as url:
        with redis.Redis.from_url(url) as known:
            assert known.ping()
        with (
            redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
        assert [p.name() for p in strays(empty_dir)] == ["valkey-server"]

    assert strays(empty_dir) == []


def test_a_broker_that_cannot_start_shows_the_end_of_its_log(empty_dir: Path) -> None:
    """The person need not look for the log."""
    port, log = free_port(), empty_dir / "broker.log"
    first = broker.serving(empty_dir / "one", port=port, log=log, mark=mark(empty_dir))
    second = broker.serving(empty_dir / "two", port=port, log=log, mark=mark(empty_dir))

    with first, pytest.raises(CannotGoOn, match="Address already in use"), second:
        pass
