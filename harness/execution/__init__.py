"""Where localization runs."""
