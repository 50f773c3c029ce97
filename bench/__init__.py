"""What it costs and how right it is: each module is a bench, `python -m bench.NAME`."""
