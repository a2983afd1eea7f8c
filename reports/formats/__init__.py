"""How a table is written: for the terminal, as Markdown, as LaTeX, as CSV; a module a format."""
