"""Compares two saved runs edit by edit, and says whether the second is worse than it may be; needs no model."""
