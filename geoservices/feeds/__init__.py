"""Events that other calendars tell of, fetched from addresses and kept as listings."""
