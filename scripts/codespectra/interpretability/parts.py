"""Parts of a perceptual metric, such as the layers of its backbone."""

# The part of tables and answers that is the sum of all others.
ALL = "all"
