"""Interventions on a model while it runs; weights are never touched."""
