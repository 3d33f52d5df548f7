"""Sections of a study's config."""
