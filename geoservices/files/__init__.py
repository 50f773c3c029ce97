"""Photos that staff take of tasks: checked, made anew without metadata, and kept in a store."""
