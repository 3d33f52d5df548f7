"""The figures: each takes tidy tables and returns a matplotlib figure; `style` is shared by all."""
