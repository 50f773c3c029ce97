"""How many people come to places, told so that nobody can be told by it."""
