"""Joins the benchmark to the harness; only sessions that collect the benchmark load this, and torch with it."""

import importlib
from typing import Any

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Registers what claims need, unless `-p plugins.own_claims` has done so already."""
    config.pluginmanager.import_plugin("plugins.activation")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """`-n auto` is one process a GPU; asked before any plugin is configured, so it is answered here."""
    gpus: Any = importlib.import_module("plugins.gpus")
    return gpus.process_count(config)
