"""Localizations and runs on disk."""
