"""A campaign and a person who may be told of it."""

from tests.notifying import world

__all__ = ["world"]
