"""One module a noun: translate in, delegate, translate out."""
