"""The figures: each takes tables and returns a matplotlib figure; `style` is shared by all."""
