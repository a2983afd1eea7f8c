"""Section 3.3: facts erased and updated through neurons that all their queries share."""
