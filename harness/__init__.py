"""Meaning and numerics of the knowledge-localization harness: everything but pytest and reports."""

__version__ = "0.1.0"
