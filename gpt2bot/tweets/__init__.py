"""Turns the model's text into a labelled tweet: prompts, composing, filter, label."""
