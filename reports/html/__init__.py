"""A run as one HTML page, to be read without a network."""

from reports.html.document import page

__all__ = ["page"]
