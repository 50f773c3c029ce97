"""Who belongs to an organisation, as what, and in which teams."""
