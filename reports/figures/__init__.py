"""Figures of records: each drawn without a display, and saved as SVG and PNG."""
