"""Work that falls due and is done with a lease, whatever it is."""
