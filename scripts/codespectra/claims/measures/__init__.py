"""The statistic of each claim, from the tables of a study."""
