"""Imported once by the process from which all runs are forked, so that a run needs no imports.

It imports what the bot imports while running. It also lets the filter judge a text, which loads the
filter's lists and its language model.
"""

from __future__ import annotations

import multiprocessing.connection  # noqa: F401

import filelock  # noqa: F401
import numpy.random  # noqa: F401
import requests  # noqa: F401
import tweepy  # noqa: F401

import tests.soak.child  # noqa: F401
from gpt2bot.tweets.compose import compose
from gpt2bot.tweets.filter import Filter

TEXT = " went to the market 7 times and bought an old red umbrella for his sister, No. 5 & Co."
Filter().judge(compose("The old man", TEXT, "#GPT2"), ["An earlier tweet."])
