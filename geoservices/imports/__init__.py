"""Tasks that another system brings: many at once or one by one, known by its own references."""
