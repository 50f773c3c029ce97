"""What takes place when, and who comes."""
