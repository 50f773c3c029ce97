"""Files read and checked; nothing is stored here."""
