"""Similarity of images, and the Interpretability Index."""
