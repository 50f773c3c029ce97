"""The way out to the browsers' push services (RFC 8030, RFC 8291, RFC 8292)."""
