"""A person's own word that they are here."""
