"""The way out by e-mail: addresses, messages, and the server that takes them."""
