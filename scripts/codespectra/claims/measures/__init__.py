"""The statistic of each claim with its interval, from the tables of a study."""
