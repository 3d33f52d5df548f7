"""The zoo: the measures of one network among many, in one job, and what becomes of its failure."""
