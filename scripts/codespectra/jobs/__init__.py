"""How a job starts, which GPU it has, and what its code is."""
