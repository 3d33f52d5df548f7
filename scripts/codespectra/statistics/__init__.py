"""Intervals, resampling and ranking; evidence, which is a statistic with its 95 % interval."""
