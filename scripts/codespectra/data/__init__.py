"""Stimuli and text as HDF5."""
