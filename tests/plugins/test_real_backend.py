"""The options that only the real harness can check, on their way from the command line to a model."""

import pytest

from harness.errors import ConfigError

CONFTEST = """
from plugins.backend import HarnessBackend
from plugins.settings import read_request
from tests.plugins.fakes import tell

def pytest_configure(config):
    backend = HarnessBackend()
    request = read_request(config, backend.claims)
    model = backend.model(request.models[0], request)
    tell(f"family {model.family.model_type} {model.family.ffn_added_as_is} {model.device_map}")
"""
ADAPTER = """
from dataclasses import replace
from harness.models.families import FAMILIES
ROW = replace(FAMILIES["gpt2"], ffn_added_as_is=False)
"""


@pytest.mark.slow
def test_reaches_the_model(bench):
    bench.write("my_rows.py", ADAPTER)
    bench.write("conftest.py", CONFTEST)
    bench.fresh("--collect-only", "--adapter=my_rows:ROW", "--device-map=auto")
    assert bench.events("family") == ["gpt2 False auto"]


def test_mistakes(bench):
    from plugins.backend import HarnessBackend
    from plugins.settings import read_request

    for argument, says in (
        ("--adapter=nowhere", "no adapter 'nowhere': an adapter is written package.module:attribute"),
        ("--adapter=no_such_module:ROW", "No module named"),
        ("--device-map=atuo", "no device map 'atuo'. Did you mean auto"),
    ):
        config = bench.pytester.parseconfig(argument)
        backend = HarnessBackend()
        request = read_request(config, backend.claims)
        with pytest.raises(ConfigError, match=says):
            backend.model("tiny-gpt2", request)
