"""TensorFlow, imported in one place and without its messages on stderr."""

from __future__ import annotations

import contextlib
import os

from gpt2bot.errors import ModelError
from gpt2bot.gpt2.quiet import quiet_stderr

__all__ = ["tf"]

# Without this, Keras, which TensorFlow imports, writes a file into the user's home folder.
os.environ.setdefault("KERAS_HOME", os.devnull)
# Level 3 shows only fatal messages. If you set another level, stderr is left alone.
is_quiet = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "3"
try:
    with quiet_stderr() if is_quiet else contextlib.nullcontext():
        import tensorflow as tf
except ImportError as error:
    raise ModelError(
        f"TensorFlow, which trains and compiles models, cannot be loaded ({error}): install gpt2bot"
        " again, with all that it needs"
    ) from error
