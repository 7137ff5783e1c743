"""What holds for all tests."""

from __future__ import annotations

import signal

# A shell starts what runs in the background with Ctrl-C ignored, and children inherit that: the
# tests that send SIGINT to a real command need it as an owner's terminal has it.
signal.signal(signal.SIGINT, signal.default_int_handler)
