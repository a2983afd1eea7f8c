"""LLaMA 1 to 3 and the families laid out like it.

Neurons are act(gate(x)) * up(x); `down_proj` is a Linear, whose weight holds a neuron in a column. What else these
families do (rotary variants, norms of queries and keys, sliding windows, scaled embeddings) lies inside their blocks or
below them.
"""

from harness.models.families.family import Family


def _like_llama(model_type: str) -> Family:
    return Family(
        model_type=model_type,
        blocks="model.layers",
        output_projection="mlp.down_proj",
        before_head=("model.norm",),
    )


LLAMA = _like_llama("llama")
MISTRAL = _like_llama("mistral")
QWEN2 = _like_llama("qwen2")
QWEN3 = _like_llama("qwen3")
GEMMA = _like_llama("gemma")
PHI3 = _like_llama("phi3")
STABLELM = _like_llama("stablelm")
