"""Data in, and made-up people: import of places and simulation of walks."""
