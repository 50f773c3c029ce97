"""Phone apps of others that report for a device, and the places they watch for it."""
