"""Activations that lie in other people's files, whatever format they are in: opened without running
anything that they hold, and read a few rows at a time.
"""
