"""What the commands of a bot do: draft, post, check."""
