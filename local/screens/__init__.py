"""Pictures of every page of the web app, taken of the running service."""
