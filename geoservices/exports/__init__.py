"""Copies of everything held about a person, made for that person to keep."""
