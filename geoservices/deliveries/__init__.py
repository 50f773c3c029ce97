"""Notifications on their way to screens."""
