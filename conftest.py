"""Loads the part of the plugin that every session may carry: no torch, and silent where no claim is tested."""

pytest_plugins = ["plugins.run_log", "plugins.verdicts", "plugins.summary"]
