"""One short runner per system, which runs in the system's environment and prints figures."""
