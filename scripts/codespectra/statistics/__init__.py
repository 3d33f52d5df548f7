"""Intervals, resampling, evidence."""
