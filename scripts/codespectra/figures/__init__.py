"""The figures: `draw_NAME(inputs, cfg)` gives one with the table that it draws; `style` is shared.

`inputs` and `cfg` are those of the rule draw_NAME, as `style` says.
"""
