"""Times that come again: recurrence rules, by the clocks of a time zone."""
