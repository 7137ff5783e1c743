"""Training: text to items, items to batches, and batches to a model in OpenAI's layout."""
