"""gpt2bot: a command-line bot that writes tweets with GPT-2, labels them and posts them."""

__version__ = "0.1.0"
