"""Members who sign in with a password of this installation, and their second factor."""
