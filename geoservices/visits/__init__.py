"""Who is where, since when, and what changed."""
