"""Models: names, loading, families, queries as token ids."""
