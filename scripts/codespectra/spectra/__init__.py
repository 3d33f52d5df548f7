"""Eigenspectra, their power-law exponents and eigenvectors as filters; random projections and
their action.
"""
