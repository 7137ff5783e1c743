"""The soak test of posting: thousands of real runs, most of them with a random fault.

`python -m tests.soak --runs 2000 --seed 1` runs processes of `gpt2bot post` against a fake of X,
while X, the network, the machine and the owner fail in every known way. A few runs without faults
follow, and then the account is compared with the outbox: every tweet must be there exactly once.

Only the model is not real: it is replaced by random words, which the filter judges as usual.
"""
