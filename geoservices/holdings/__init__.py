"""What is held about a person: where it is, what it means to them, and how it goes."""
