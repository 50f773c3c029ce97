"""Keys by which machines of an organisation's are let in."""
