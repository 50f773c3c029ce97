"""What a place shows, so that whoever scans it can prove to be there."""
