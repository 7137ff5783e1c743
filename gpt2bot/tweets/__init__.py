"""From what the model wrote to one labelled tweet: prompts, composing, filter, label."""
