"""What campaigns came to, told so that nobody can be told by it."""
