"""Claims about attention choosing knowledge neurons (section 3.2)."""
