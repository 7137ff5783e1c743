"""`python -m gpt2bot`: the same as the command `gpt2bot`."""

import sys

from gpt2bot.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
