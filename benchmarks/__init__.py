"""Compares this project with its peers in one run: `python -m benchmarks`."""
