"""Names of what says how robust a network is, or a direction, in tables."""

# Of an attack: a larger one means less robust; the second as a share of the outputs' spread.
LOSS_INCREASE, OUTPUT_CHANGE = "loss_increase", "output_change"
VULNERABILITIES = (LOSS_INCREASE, OUTPUT_CHANGE)
# Of a direction's responses to images with noise: a larger one means more robust.
CORRELATION, KEPT = "correlation", "kept"
MEASURES = (CORRELATION, KEPT)
