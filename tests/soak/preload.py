"""Imported once by the process that all runs are forked from, so that a run costs no imports.

It loads what the bot loads while it runs, and lets the filter judge a text, which reads its lists
and the model that tells languages apart.
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
