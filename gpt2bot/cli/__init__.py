"""The command line: parses a line, runs its command, and shows the result."""
