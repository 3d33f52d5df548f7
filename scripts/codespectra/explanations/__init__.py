"""Explanations of a language model's units, by token lookup or by chat models, and how well they
predict activations.
"""
