"""Browsers that may be pushed to."""
