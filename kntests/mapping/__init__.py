"""Section 3.1: the neurons of a query against those of its neighbors."""
