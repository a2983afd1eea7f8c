"""The engine on a GPU: what it finds there is what it finds on the processor, where it equals the naive methods."""

import numpy as np
import pytest
import torch

from harness.activations.verification import verify_row
from harness.attribution.quadrature import Quadrature
from harness.localizers import make_localizer
from harness.localizers.localizer import AttributionMap
from harness.models.loaded import LoadedModel
from tests.random_configs import MASKED, VARIANTS
from tests.random_models import random_cloze, random_queries, random_variant, with_answers

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    # torch's own remark on the first backward pass of a process
    pytest.mark.filterwarnings("ignore:Attempting to run cuBLAS, but there was no current CUDA context"),
]
QUADRATURE = Quadrature(steps=5)


def maps(model: LoadedModel, localizer: str, answer: str) -> list[np.ndarray]:
    queries = random_cloze([6, 3, 9]) if model.family.masked else with_answers(random_queries([6, 1, 9]), [2, 3, 2])
    found = make_localizer(localizer, quadrature=QUADRATURE, answer=answer).attribute(model, queries, batch_size=None)
    assert all(isinstance(one, AttributionMap) for one in found)
    return [one.scores for one in found if isinstance(one, AttributionMap)]


def on_gpu(variant: str, dtype: torch.dtype = torch.float32) -> LoadedModel:
    model = random_variant(variant, dtype=dtype)
    model.model.to("cuda")  # type: ignore[arg-type]
    return model


@pytest.mark.parametrize("answer", ["first", "joint"])
@pytest.mark.parametrize("localizer", ["ig", "sig", "amig"])
@pytest.mark.parametrize("variant", [*VARIANTS, *MASKED])
def test_scores_are_those_of_the_processor(variant: str, localizer: str, answer: str) -> None:
    if variant in MASKED and answer == "joint":
        pytest.skip("answers of masked models are one token long")
    for found, expected in zip(
        maps(on_gpu(variant), localizer, answer), maps(random_variant(variant), localizer, answer), strict=True
    ):
        assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("variant", [*VARIANTS, *MASKED])
def test_rows_are_verified_in_every_dtype(variant: str, dtype: torch.dtype) -> None:
    verify_row(on_gpu(variant, dtype))
