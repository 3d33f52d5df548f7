"""Activations of images and text, into HDF5."""
