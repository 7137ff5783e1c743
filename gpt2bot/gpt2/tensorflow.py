"""TensorFlow, imported in one place and without its messages on stderr."""

from __future__ import annotations

import os

from gpt2bot.gpt2.quiet import quiet_stderr

__all__ = ["tf"]

# Without this, Keras, which TensorFlow imports, writes a file into the user's home folder.
os.environ.setdefault("KERAS_HOME", os.devnull)
# Level 3 shows only fatal messages. If you set another level, stderr is left alone.
if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "3":
    with quiet_stderr():
        import tensorflow as tf
else:
    import tensorflow as tf
