"""Published models: which there are, and their resumable download."""
