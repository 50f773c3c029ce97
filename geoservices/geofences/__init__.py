"""The areas that are watched."""
