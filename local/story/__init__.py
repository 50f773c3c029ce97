"""The story `make demo` plays: people at the libraries of Devon, on the running service."""
