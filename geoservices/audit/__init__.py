"""Who read or changed what, written down so that nobody can change it unnoticed."""
