"""Formats of other people's files, a module each, which tell what a file holds."""
