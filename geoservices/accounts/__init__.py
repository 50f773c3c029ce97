"""People, what they carry, what they agreed to, and who may manage what."""
