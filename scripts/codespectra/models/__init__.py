"""Networks, their layers, their weights."""
