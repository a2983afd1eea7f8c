"""Saved runs side by side: verdicts, and what changed on the facts that they share; needs no model."""
