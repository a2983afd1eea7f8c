"""Section 2.2: facts erased and updated through their knowledge neurons."""
