"""Statistics of the claims, each from the tables of a study."""
