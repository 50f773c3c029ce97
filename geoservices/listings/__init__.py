"""What a place has for people: offers, events and tasks."""
