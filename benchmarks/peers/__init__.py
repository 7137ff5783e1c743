"""One short runner a system: it runs in the system's own environment and prints its figures."""
