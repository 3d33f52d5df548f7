"""Paper B beyond the index: psychophysics, people's answers, manifold, sensitivity, synergy,
co-activation; robustness.
"""
