"""One module a noun: `…In` for bodies, `…Out` for answers."""
