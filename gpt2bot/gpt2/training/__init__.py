"""Training: turns text into items, items into batches, and batches into a model."""
