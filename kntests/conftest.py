"""Joins the benchmark to the harness; only sessions that collect the benchmark load this, and torch with it."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Registers what claims need, unless `-p plugins.own_claims` has done so already."""
    config.pluginmanager.import_plugin("plugins.activation")
