"""What the unmodified model does at the last query token, and rows that climb from there with other neurons."""
