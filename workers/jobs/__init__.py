"""The jobs, one module a noun; each may run twice."""
