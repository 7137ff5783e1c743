"""TensorFlow, imported once and without its chatter on stderr."""

from __future__ import annotations

import os

from gpt2bot.gpt2.quiet import quiet_stderr

__all__ = ["tf"]

# Else Keras, which TensorFlow brings, writes a file into the home of whoever imports it.
os.environ.setdefault("KERAS_HOME", os.devnull)
# 3 leaves fatal messages only. An owner's own choice wins, and then hears all of it.
if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "3":
    with quiet_stderr():
        import tensorflow as tf
else:
    import tensorflow as tf
