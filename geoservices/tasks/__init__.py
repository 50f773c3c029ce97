"""What staff have to do, and who does it."""
