"""Kinds of units that are explained, by their names in tables.

Neurons, random directions of activation space, and those of many random directions that have the
least action (paper A, fig. 7b).
"""

NEURON, PROJECTION, LOW_ACTION = "neuron", "projection", "low_action"
