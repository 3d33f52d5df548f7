"""How a job starts and ends with its snakemake, which GPU it has, the digest of its code, and
why it runs again.
"""
