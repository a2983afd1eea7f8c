"""Reads run records and shows them; needs no model and no torch."""
