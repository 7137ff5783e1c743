"""Posts finished tweets to X: outbox, lock, client and the publishing state machine."""
