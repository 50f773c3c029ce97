"""How long everything is kept, and the end of it."""
