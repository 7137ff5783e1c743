"""TensorFlow, imported once and without its chatter on stderr."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["tf"]


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Sends what a library's native code writes to stderr nowhere; exceptions still tell.

    The library logs while it is loaded, before any setting of its own could stop it.
    """
    try:
        saved = os.dup(2)
    except OSError:  # it is closed, and so nothing can be written to it
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


# Else Keras, which TensorFlow brings, writes a file into the home of whoever imports it.
os.environ.setdefault("KERAS_HOME", os.devnull)
# 3 leaves fatal messages only. An owner's own choice wins, and then hears all of it.
if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "3":
    with _quiet_stderr():
        import tensorflow as tf
else:
    import tensorflow as tf
