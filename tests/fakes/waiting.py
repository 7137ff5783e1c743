"""How tests wait: for what happens, however slow the machine is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HANG = 900.0
"""Seconds after which what a test waits for will not come any more. They only end a hang."""


def longer_and_longer(first: float = 0.25) -> Iterator[float]:
    """Timeouts for a client that meets silence, to try until one is long enough for this machine.

    The shorter they are, the less a test waits. But a client has one timeout for all its waits, and
    on a slow machine the first ones may end before the client has come to the silence.
    """
    timeout = first
    while timeout < HANG:
        yield timeout
        timeout *= 2
