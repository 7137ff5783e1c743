"""The way of a finished tweet to X: outbox, lock, client and the publishing state machine."""
