"""Activations of images and text, written to HDF5 in one forward pass, and read back slab by
slab.
"""
