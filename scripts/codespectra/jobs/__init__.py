"""How a job starts and ends with its snakemake, which GPU it has, the digest of its code, why it
runs again, and how long that takes.
"""
