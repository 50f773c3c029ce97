"""What a job borrows from its process: settings, sessions, and the ways out of it."""

from functools import lru_cache

from geoservices.database import DatabaseRole, SessionFactory, make_engine, make_session_factory
from geoservices.fetching import Bounds, Fetcher
from geoservices.files.store import FileStore
from geoservices.mail.sending import Mailer, SmtpMailer
from geoservices.push.gateway import PushGateway, WebPushGateway
from geoservices.settings.service import Settings, load_settings


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the service's settings, read once."""
    return load_settings()


@lru_cache(maxsize=1)
def sessions() -> SessionFactory:
    """Return the factory of sessions on this process's own connections."""
    return make_session_factory(
        make_engine(settings().database_url.get_secret_value(), pool_size=2)
    )


@lru_cache(maxsize=1)
def picking_sessions() -> SessionFactory:
    """Return the factory for handing out and deciding, which pick few rows out of very many."""
    return make_session_factory(
        make_engine(settings().database_url.get_secret_value(), pool_size=1, by_index=True)
    )


@lru_cache(maxsize=1)
def delivery_sessions() -> SessionFactory:
    """Return the factory for claiming and settling, whose statements are always the same."""
    return make_session_factory(
        make_engine(settings().database_url.get_secret_value(), pool_size=1, by_key=True)
    )


def owner_sessions() -> SessionFactory:
    """Return a factory of sessions of the tables' owner, for what only the owner may do."""
    url = settings().database_url.get_secret_value()
    return make_session_factory(make_engine(url, role=DatabaseRole.OWNER, pool_size=1))


@lru_cache(maxsize=1)
def gateway() -> PushGateway:
    """Return the way out to the push services."""
    return WebPushGateway(settings().push)


@lru_cache(maxsize=1)
def mailer() -> Mailer:
    """Return the way out to people's e-mail addresses; only where there is one."""
    return SmtpMailer(settings().mail)


@lru_cache(maxsize=1)
def files() -> FileStore:
    """Return the store of files."""
    return FileStore(settings().files)


@lru_cache(maxsize=1)
def feed_fetcher() -> Fetcher:
    """Return the way out to the addresses of feeds."""
    feeds = settings().feeds
    return Fetcher(
        Bounds(
            timeout=feeds.timeout,
            max_body=feeds.max_bytes,
            ca_file=feeds.ca_file,
            allow_loopback=feeds.allow_loopback,
        )
    )
