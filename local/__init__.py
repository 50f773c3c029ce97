"""The whole system on one machine: set-up, servers, processes and the demo's story."""
