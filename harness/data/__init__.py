"""Facts, patterns and the queries they give; text only, no token ids and no torch."""
