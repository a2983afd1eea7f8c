"""Claims about how consistently the queries of a fact are localized (section 2.1)."""
