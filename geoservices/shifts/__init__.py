"""When members are at work, and located for it."""
