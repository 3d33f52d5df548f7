"""What networks are shown: images and text as HDF5, what images go through before a network, and
what tokens text is cut into.
"""
