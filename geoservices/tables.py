"""Every table, gathered for the migrations and for the inventory of what is held about people."""

from functools import cache
from importlib import import_module

from sqlalchemy import MetaData

from geoservices.database import Base

NOUNS = (
    "audit",
    "accounts",
    "interests",
    "members",
    "keys",
    "oidc",
    "credentials",
    "places",
    "geofences",
    "phones",
    "pings",
    "visits",
    "codes",
    "checkins",
    "listings",
    "offers",
    "events",
    "tasks",
    "files",
    "imports",
    "feeds",
    "agendas",
    "campaigns",
    "subscriptions",
    "notifications",
    "channels",
    "deliveries",
    "letters",
    "statistics",
    "outcomes",
    "exports",
    "erasures",
    "limiting",
)


@cache
def all_tables() -> MetaData:
    """Return the metadata with every table of the domain in it."""
    for noun in NOUNS:
        import_module(f"geoservices.{noun}.models")
    import_module("geoservices.campaigns.run_models")
    import_module("geoservices.campaigns.replay_models")
    import_module("geoservices.outbox")
    return Base.metadata
