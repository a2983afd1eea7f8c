"""Everything that claims outside this repository need: `pytest -p plugins.own_claims ./my_claims --model gpt2`.

In one word on the command line, options are known before pytest looks for test paths among the arguments (ADR 2); in a
conftest.py, `pytest_plugins = ["plugins.own_claims"]`, they are known too late for a model named `--model ./folder`.
"""

pytest_plugins = ["plugins.options", "plugins.run_log", "plugins.verdicts", "plugins.summary", "plugins.activation"]
