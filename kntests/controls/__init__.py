"""Checks of what everything else rests on: if one fails, no verdict means anything."""
