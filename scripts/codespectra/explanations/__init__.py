"""Explanations of units of language models, and their scores."""
