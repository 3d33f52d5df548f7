"""The catalogue of the papers' claims, and the verdict on each."""
