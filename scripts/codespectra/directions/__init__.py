"""Directions in activation space, and what finds them."""
