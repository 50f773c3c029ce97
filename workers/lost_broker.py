"""Workers that go on once a Redis or Valkey that went away is back."""

from typing import Any

from kombu.transport import redis
from redis.exceptions import ConnectionError as BrokerLost


class Channel(redis.Channel):
    """Says that its connection is lost, where kombu 5.7.0 fails in a way that nobody expects.

    A worker whose broker goes away gives back the jobs that it has not done, and acknowledges
    those that end meanwhile, over what is left of the connection. It knows how to go on without:
    they fall due again by themselves. Of any other failure it dies, or waits for its children for
    ever instead of ending.
    """

    connection: Any

    def _connparams(self, **how: bool) -> object:
        """Return where the broker is.

        Raises:
            redis.exceptions.ConnectionError: The connection was closed.
        """
        if self.connection is None or self.connection.client is None:
            raise BrokerLost("the connection to the broker was closed")
        return super()._connparams(**how)  # type: ignore[misc]


def outlive_the_broker() -> None:
    """Have what this process opens to Redis or Valkey from now on be such channels."""
    redis.Transport.Channel = Channel
