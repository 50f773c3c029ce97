"""The service's configuration: one module for each part of it, and `service` for the whole."""
