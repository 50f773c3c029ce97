"""What takes place, as calendars and data that other programs read."""
