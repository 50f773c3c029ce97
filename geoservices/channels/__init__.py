"""By which ways people want to be told."""
