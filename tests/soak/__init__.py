"""The soak test of posting: thousands of real runs, and a fault drawn at random in most of them.

`python -m tests.soak --runs 2000 --seed 1` lets processes of `gpt2bot post` run against the server
that stands for X, while X, the way to it, the machine and the owner fail in every way that is
known. After that come runs without faults, and then the account and the outbox are compared: every
tweet must be there exactly once.

Only the model is not real: words drawn at random stand in for it, and the filter judges them.
"""
