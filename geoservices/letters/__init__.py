"""Mails on their way: confirmations of addresses, and digests."""
