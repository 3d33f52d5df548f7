"""Eigenspectra, their exponents, random projections."""
