"""Paper B's experiments beyond the index."""
