"""The command line: parses the arguments, runs the command and shows the result."""
