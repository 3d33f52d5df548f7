"""Directions in activation space, and the methods that find them: K-Means, PCA, ICA, NMF, sparse
autoencoders, controls.
"""
