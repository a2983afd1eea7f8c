"""Makes the claim known to `--margin`; not needed otherwise."""

from few_neurons import FewNeurons


def pytest_kn_claims() -> list[FewNeurons]:
    """The claims of this folder."""
    return [FewNeurons()]
